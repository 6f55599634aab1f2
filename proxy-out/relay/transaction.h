/* SPDX-License-Identifier: Apache-2.0
 *
 * transaction - one message's envelope, as the mail server gave it. Pure.
 */
#pragma once

#include "base/buf.h"
#include "base/option.h"
#include "proxy-out/relay/sent.h"
#include "proxy-out/relay/xforward.h"
#include "rule/ids.h"
#include "smtp/ehlo.h"
#include "smtp/header.h"

enum { TRANSACTION_RCPTS = 500, TRANSACTION_LINE = 2048 };

struct recipient {
    enum {
        RCPT_WAITS, /* for a server */
        RCPT_ASKED,
        RCPT_HELD, /* refused by 4xx; the answer waits until all are known */
        RCPT_ACCEPTED,
        RCPT_REFUSED,
        RCPT_REMEMBERED, /* it was accepted and delivered before: recall.h. No lane's */
    } is;
    const struct sent *sent; /* of RCPT_REMEMBERED; of the transaction's */
    unsigned lane;           /* which upstream's */
    unsigned ticket;         /* of the client's request, while it is not answered */
    char *address;           /* ours */
    char *dsn;               /* ours; " NOTIFY=... ORCPT=..." or "" */
    bool success;            /* NOTIFY has SUCCESS */
    char *orcpt;             /* ours; decoded */
    char *held;              /* ours; the reply of RCPT_HELD */
};

struct transaction {
    bool open;
    unsigned number;    /* of the session: 1, 2... */
    double queued;      /* when MAIL was accepted */
    char *sender;       /* ours */
    char *dsn;          /* ours; " RET=... ENVID=..." or "" */
    char *env_id;       /* ours; decoded */
    unsigned long size; /* SIZE=; 0: not said */
    bool eight_bit, utf8;
    struct xforward from;
    char queue_id[64];
    struct sent *sent;      /* ours; what is remembered under it */
    bool id_is_sure;        /* no client can have chosen it: struct ids */
    struct recipient *rcpt; /* ours */
    size_t count, room;
    struct header *header; /* ours; the wanted fields of the message, once it comes; NULL: none */
    unsigned domains;      /* that a lane was made for, or changed to */
};

/* Both read a command's argument; NULL if all is well, else the reply (static, with its line
 * end). transaction_mail() wants `from` to be there; what told us the queue id is not passed on.
 * transaction_rcpt() adds a recipient behind the others. */
MUST const char *transaction_mail(struct transaction *t, const struct ids *ids, struct span arg);
MUST const char *transaction_rcpt(struct transaction *t, struct span arg, struct span *domain);

/* The commands for a server with these extensions: what it does not know is left out. */
MUST bool transaction_mail_line(const struct transaction *t, const struct ehlo *e, struct buf *to);
MUST bool transaction_rcpt_line(const struct recipient *r, const struct ehlo *e, struct buf *to);

/* Must the server know SMTPUTF8 for this recipient (RFC 6531, 3.5)? */
bool transaction_needs_utf8(const struct transaction *t, const struct recipient *r);

/* The last recipient is none after all. */
void transaction_drop_last(struct transaction *t);

/* The message comes: its fields of these names are looked for. False: no memory. */
MUST bool transaction_wants(struct transaction *t, const struct span *names, size_t count);

/* Over: all is freed, the count of transactions stays. */
void transaction_end(struct transaction *t);
