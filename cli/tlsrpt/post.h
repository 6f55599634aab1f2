/* SPDX-License-Identifier: Apache-2.0
 *
 * post - gives one mail to a mail server that is ours, by SMTP, and waits.
 */
#pragma once

#include "conf/settings.h"
#include "net/loop.h"

struct post_mail {
    const char *helo, *from, *to;
    const char *env_id; /* said where the server takes it (RFC 3461) */
    struct span text;
};

/* False with a few words in `why`: it did not take it, and may be asked again. */
MUST bool post_send(struct event_base *base, const struct backend *server,
                    const struct post_mail *mail, char *why, size_t size);
