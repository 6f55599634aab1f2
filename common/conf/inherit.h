/* SPDX-License-Identifier: Apache-2.0
 *
 * inherit - what a listener takes over from the file's own options, and where a value that it
 * has was said. tls-X is smtp-server-tls-X there, await-slot is smtp-await-slot.
 */
#pragma once

#include "conf/kinds.h"
#include "conf/settings.h"

/* Has this option of a section of this kind the file's own for its default? */
bool inherit_is_of_file(const struct kind *kind, const struct option *own);

/* The listener's options that were not set become those of `from`. */
void inherit_global(struct smtp_listener *listener, const struct global *from);

/* The beginning of a line about the option `name` ("tls-groups") of this listener, wherever it has
 * it from: "FILE:LINE: smtp-server-tls-groups". */
void inherit_place(const struct settings *s, const struct smtp_listener *listener, const char *name,
                   char *to, size_t size);

/* The place of the option by which a section of this kind (KIND_...) names the file that `why`
 * begins with; if there is none, that of the section. The second also knows what a listener has
 * from elsewhere. */
void inherit_place_in(int kind, const struct option_head *section, const char *why, char *to,
                      size_t size);
void inherit_place_of_file(const struct settings *s, const struct smtp_listener *listener,
                           const char *why, char *to, size_t size);
