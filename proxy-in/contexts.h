/* SPDX-License-Identifier: Apache-2.0
 *
 * contexts - the TLS contexts of a generation: for clients at each listener, and for backends.
 */
#pragma once

#include "prepare.h"
#include "conf/problem.h"

/* Makes them all in `p`; what cannot be made is NULL there, and a line of `wrong`. */
void contexts_make(struct prepared *p, const struct settings *s, struct tickets *tickets,
                   struct problems *wrong);
void contexts_free(struct prepared *p);

/* Logs what TLS has to do without; at_start: also what no reload changes. */
void contexts_say(const struct settings *s, bool at_start);
