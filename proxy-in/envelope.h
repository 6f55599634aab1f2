/* SPDX-License-Identifier: Apache-2.0
 *
 * envelope - from whom and to whom the mail of this transaction goes.
 *
 * What MAIL and RCPT ask waits here for the mail server's answer; what it accepted is
 * kept until the transaction ends. Answers come in the order of the questions. Memory has
 * a ceiling, and none is held where there is no transaction.
 */
#pragma once

#include "base/buf.h"

enum {
    ENVELOPE_PARTY = 4096, /* the longest pair of mailbox and label */
    ENVELOPE_ASKED = 160 * 1024,
    ENVELOPE_ACCEPTED = 512 * 1024,
};

/* A path and what came with it: ENVID of MAIL, ORCPT of RCPT. */
struct party {
    struct span mailbox, label;
};

struct envelope {
    struct buf asked;    /* parties without an answer */
    struct buf sender;   /* at most one party; empty: no transaction */
    struct buf accepted; /* recipients */
    unsigned count;      /* of them */
};

void envelope_init(struct envelope *e);
void envelope_clear(struct envelope *e);

/* Is there room for one more question, and for its being accepted? */
bool envelope_has_room(const struct envelope *e, const struct party *p);

/* MAIL or RCPT is put to the mail server. False: no room, or no memory; nothing changed. */
MUST bool envelope_ask(struct envelope *e, const struct party *p);

/* The oldest question was answered. False: no memory. */
MUST bool envelope_mail(struct envelope *e, bool accepted);
MUST bool envelope_rcpt(struct envelope *e, bool accepted);

/* The transaction is over; questions that are still open stay. */
void envelope_reset(struct envelope *e);

bool envelope_is_open(const struct envelope *e);

/* Is it open, or may it become so by an answer that is still to come? */
bool envelope_is_busy(const struct envelope *e);

/* The sender; only where a transaction is open. Borrowed until the next change. */
struct party envelope_sender(const struct envelope *e);

/* Walks the recipients: begin with `*at` 0. False: no more. */
MUST bool envelope_next(const struct envelope *e, size_t *at, struct party *out);
