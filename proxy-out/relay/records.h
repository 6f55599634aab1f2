/* SPDX-License-Identifier: Apache-2.0
 *
 * records - makes the accounting rows of deliveries: d, b and t; and tq, of attempts to reach a
 * server that failed before it could be given mail. Pure.
 */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "remote/remote.h"
#include "proxy-out/relay/transaction.h"
#include "tell/record.h"

/* The mail server that hands over. */
struct records_mta {
    struct id session;
    const char *name; /* as in its EHLO; borrowed */
    struct addr at;
};

/* What became of one recipient. */
struct records_event {
    enum record_do what;
    size_t recipient;
    const char *domain; /* of the recipient, A-labels */
    struct span reply;  /* whole, from the remote server or ours */
    uint64_t size;      /* of the message, where it was delivered */
    enum fail fail;     /* FAIL_NOT: the reply is the remote server's */
    struct buf *about;  /* keeps what is written of the remote server's connection, from the first
                           record on; NULL: nothing does */
};

/* The most that one recipient needs: an intent and an outcome, or a row. */
enum { RECORDS_ROOM = 2 * RECORD_MAX };

/* One line in `to`. `remote` may be NULL. False: no room. The type follows from the reply's
 * first digit. An intent needs no reply; an outcome that is the remote server's word leaves to its
 * intent what that says already. */
MUST bool records_add(struct buf *to, const struct records_mta *mta, const struct transaction *t,
                      const struct remote *remote, const struct records_event *e);

/* Likewise of an attempt for mail to `domain`, in the name of our `session`. */
MUST bool records_add_attempt(struct buf *to, const char *session, const char *domain,
                              const struct remote *remote, enum fail fail);
