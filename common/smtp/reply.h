/* SPDX-License-Identifier: Apache-2.0
 *
 * reply - reads one whole SMTP reply for what the accounting wants of it.
 */
#pragma once

#include "base/span.h"

enum { REPLY_ID_MAX = 64 };

struct reply {
    int code;
    char status[12];  /* "5.1.1"; made of the class ("5.0.0") where the reply has none */
    struct span text; /* the last line's text, behind code and status */
};

/* `whole` was checked by dial_next(). */
struct reply reply_read(struct span whole);

/* All lines as one, cleaned, "550 5.1.1 No such user; second line", for logs and records.
 * Cut to fit; the length comes back. */
size_t reply_flat(char *to, size_t size, struct span whole);

/* The queue id in a final 250, as Postfix ("queued as X"), Sendmail ("X Message accepted"),
 * Exim ("OK id=X") and OpenSMTPD ("X Message accepted") say it. Empty: none. */
struct span reply_queue_id(struct span whole);

/* The same reply with ` [text]` behind its last line, in `to`; false if it does not fit
 * (then send it as it is). */
struct buf;
MUST bool reply_append(struct buf *to, struct span whole, struct span text);
