/* SPDX-License-Identifier: Apache-2.0
 *
 * upstream - a connection to a remote server that is ready for MAIL, or on its way there.
 *
 * It belongs to one owner at a time: an attempt, a session, the pool. The owner says who is
 * called when the socket is ready (upstream_own()).
 */
#pragma once

#include "net/conn.h"
#include "net/watch.h"
#include "remote/remote.h"
#include "smtp/dial.h"
#include "smtp/ehlo.h"

enum { UPSTREAM_KEY = 33 };

struct pool;
struct quota;
typedef void quota_fn(struct quota *place);

/* RESETS: RSET is unanswered; REGRETS: so is DATA, for recipients all of whom were refused. */
enum upstream_is { UPSTREAM_READY, UPSTREAM_RESETS, UPSTREAM_REGRETS, UPSTREAM_LEAVES };

struct upstream {
    struct upstream *next; /* the pool's, */
    struct pool *pool;     /* where it is kept */
    struct conn conn;
    struct dial dial;
    struct ehlo ehlo;
    struct remote remote;
    struct buf about; /* for records: what they say of it, once one was made */
    struct watch watch;
    struct alarm alarm;
    struct event_base *base; /* borrowed */
    struct quota *quota;     /* a place among its domain's connections; NULL: none */
    quota_fn *give_back;     /* that, at the end */
    char key[UPSTREAM_KEY];  /* under which it may be used again; "": not at all */
    unsigned served;         /* transactions */
    double born;             /* clock_mono() */
    enum upstream_is is;     /* in the pool */
};

/* NULL: no memory. */
struct upstream *upstream_new(struct event_base *base);

/* Whom it is to, by which rule and with what demand: nothing else is known yet. */
struct candidate;
void upstream_describe(struct upstream *up, const struct candidate *to, const struct domain *rule,
                       const struct demand *demand);

/* Closes, whatever state it is in; gives its place in the quota back. */
void upstream_free(struct upstream **up);

/* From here `fn` is called when the socket is ready, and `late` when its alarm fires. */
void upstream_own(struct upstream *up, watch_fn *fn, watch_fn *late, void *arg);

/* Nobody is called any more, until somebody owns it. What it is watched for stays, as above, so
 * where that is soon it costs no system call. */
void upstream_rest(struct upstream *up);

/* From the wire to the dial, as far as there is room. CONN_LATER: all that there was.
 * CONN_OVER and CONN_FAILED: the end came; what came before it is in the dial. Adds to `moved`. */
enum conn_got upstream_pull(struct upstream *up, size_t *moved);

/* What it had said before a write of ours failed; a server that refuses a message and resets says
 * why there. */
void upstream_pull_rest(struct upstream *up, size_t *moved);

/* The commands that wait. CONN_SOME: all went. */
enum conn_got upstream_push(struct upstream *up, size_t *moved);
