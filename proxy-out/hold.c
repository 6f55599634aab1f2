/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/hold.h"

#include <stdlib.h>

#include "base/clock.h"
#include "proxy-out/relay/patience.h"

enum { PROGRESS = 12 }; /* a message moves on with each 4 KB: dripping is no progress */

struct hold *hold_new(struct worker *w, struct relay *r, unsigned lane, const char *session,
                      const struct handed *handed, struct story **story, watch_fn *fn, void *arg)
{
    struct hold *h = malloc(sizeof *h);

    if (h)
        *h = (struct hold){.worker = w,
                           .relay = r,
                           .lane = lane,
                           .session = session,
                           .handed = handed,
                           .story = story,
                           .fn = fn,
                           .arg = arg};
    return h;
}

static struct lane *lane_of(const struct hold *h)
{
    return h->relay->lane[h->lane];
}

void hold_pull(struct hold *h, size_t *moved)
{
    enum conn_got got;

    if (!h->up || h->ended || h->sated)
        return;
    got = upstream_pull(h->up, moved);
    h->sated = got == CONN_LATER;
    h->ended = got == CONN_OVER || got == CONN_FAILED;
    if (got == CONN_FAILED) /* it may have failed as its turn was sent */
        upstream_pull_rest(h->up, moved);
}

void hold_push(struct hold *h, size_t *moved)
{
    struct span pieces[DIAL_PIECES];
    enum conn_got got = CONN_SOME;
    size_t count;

    while (h->up && !h->ended && got == CONN_SOME &&
           ((count = relay_pieces(h->relay, h->lane, pieces)) > 0 || conn_owes(&h->up->conn))) {
        size_t len = 0;

        got = conn_write(&h->up->conn, pieces, count, &len);
        relay_went(h->relay, h->lane, len);
        h->out += len;
        *moved += len;
        h->ended = got == CONN_OVER || got == CONN_FAILED;
        if (h->ended) { /* the relay is to hear of it, and of what it said before */
            upstream_pull_rest(h->up, moved);
            ++*moved;
        }
    }
}

/* A clean one is kept for the next message; without a rule of its own, while the worker drains, or
 * if it will have no more, it only hears QUIT. */
static void let_go(struct hold *h, enum lane_left left)
{
    enum upstream_is is = left == LEFT_OPEN      ? UPSTREAM_RESETS
                          : left == LEFT_IN_DATA ? UPSTREAM_REGRETS
                                                 : UPSTREAM_READY;
    struct upstream *up = h->up;
    bool keep = h->seek && !h->worker->draining && left != LEFT_TIRED;

    h->up = NULL;
    (void)!conn_uncork(&up->conn); /* the pool says at once what it says */
    /* With TLS 1.3 what may be resumed comes behind the handshake: now it is there. */
    if (up->remote.secure && up->served == 0 && h->seek && h->seek->rule->reuse_ssl_session)
        resume_put(h->worker->resume, up->key, conn_session(&up->conn));
    if (left == LEFT_SPENT || h->ended)
        upstream_free(&up);
    else
        pool_keep(h->worker->pool, up, is, keep ? h->seek->rule : NULL);
}

static void on_upstream(void *arg)
{
    struct hold *h = arg;

    h->sated = false;
    if (h->up->watch.needs & CONN_IN)
        conn_fetch(&h->up->conn);
    h->fn(h->arg);
}

static void take(struct hold *h)
{
    struct seek *k = h->seek;

    h->up = seek_take(k);
    h->ended = false;
    h->sated = !conn_has_pending(&h->up->conn); /* the loop says when the socket has some */
    h->owes = OWES_NOTHING;
    h->first = h->up->dial.first;
    story_note(h->story, k, &h->up->remote);
    upstream_own(h->up, on_upstream, on_upstream, h);
    lane_opened(h->relay, lane_of(h), &h->up->dial, &h->up->ehlo, &h->up->remote, seek_has_more(k),
                k->reused);
    lane_of(h)->about = &h->up->about;
}

static void look(struct hold *h)
{
    struct lane *l = lane_of(h);
    unsigned transaction = h->relay->t.number;

    if (h->seek && (h->seek->transaction != transaction || strcmp(h->seek->domain, l->domain)))
        seek_free(&h->seek);
    if (!h->seek)
        h->seek = seek_new(h->worker, h->session, h->handed, l->domain, transaction, h->fn, h->arg);
    else if (l->again)
        seek_again(h->seek);
    else if (h->seek->is == SEEK_FOUND && !h->seek->up)
        seek_next(h->seek);
    l->again = false;
}

static void fail(struct hold *h, struct lane *l)
{
    struct seek *k = h->seek;

    story_note(h->story, k, &k->remote);
    lane_failed(h->relay, l, k->fail, &k->remote);
}

/* There was no memory to seek with; what the domain's rule says of records holds all the same. */
static void fail_nowhere(struct hold *h, struct lane *l)
{
    const struct domain *rule = domains_find(h->worker->settings->domains, span_of(l->domain));
    struct remote nowhere = {.rule = rule->head.title, .client_cert = ""};

    nowhere.unwritten = rule->disable_acct_records;
    lane_failed(h->relay, l, FAIL_CONNECT, &nowhere);
}

static bool seek(struct hold *h)
{
    struct lane *l = lane_of(h);

    look(h);
    if (!h->seek)
        fail_nowhere(h, l);
    else if (h->seek->is == SEEK_FOUND)
        take(h);
    else if (h->seek->is == SEEK_NONE)
        fail(h, l);
    else
        return false;
    return true;
}

bool hold_tend(struct hold *h)
{
    struct lane *l = lane_of(h);
    bool news = h->up && h->ended && !l->left;

    if (news)
        lane_lost(h->relay, l, FAIL_CLOSED);
    if (h->up && l->left) {
        let_go(h, l->left);
        lane_taken(l);
    }
    if (l->is == LANE_SEEKS && !h->up)
        news = seek(h) || news;
    return news;
}

static void on_kept(void *arg, bool kept)
{
    struct hold *h = arg;

    lane_kept(h->relay, lane_of(h), kept);
    h->fn(h->arg);
}

void hold_record(struct hold *h)
{
    struct lane *l = lane_of(h);

    if (l->row != ROW_FRESH)
        return;
    l->row = ROW_WAITS;
    commit_ask(h->worker->commit, &h->pledge, on_kept, h);
}

/* Has another server all that there is of the message, so that it waits for this one? */
static bool lags(const struct hold *h, const struct lane *l)
{
    const struct relay *r = h->relay;

    for (unsigned i = 0; i < r->lanes; i++) {
        const struct lane *other = r->lane[i];

        if (other != l && (other->is == LANE_BODY || other->is == LANE_ENDING) &&
            lane_is_sent(r, other))
            return true;
    }
    return false;
}

static enum server_owes owes(const struct hold *h, const struct lane *l)
{
    switch (h->up ? l->is : LANE_REST) {
    case LANE_OPEN:
        return dial_waits(l->dial) > 0 ? OWES_REPLY : OWES_NOTHING;
    case LANE_DATA:
        return OWES_DATA;
    case LANE_BODY:
    case LANE_ENDING:
        if (!lane_is_sent(h->relay, l))
            return lags(h, l) ? OWES_LAGS : OWES_BODY;
        return l->is == LANE_ENDING ? OWES_FINAL : OWES_NOTHING;
    default:
        return OWES_NOTHING;
    }
}

/* When our client said the RCPT that it has heard nothing to: before that come the answers to MAIL
 * and RCPT. 0: it has heard. */
static double first_rcpt(const struct hold *h, const struct lane *l)
{
    return h->seek && l->dial && l->dial->first < h->first + 2 ? h->seek->began : 0;
}

static void set_clock(struct hold *h)
{
    const struct lane *l = lane_of(h);
    enum server_owes is = owes(h, l);
    uint64_t mark = is == OWES_BODY || is == OWES_LAGS ? h->out >> PROGRESS
                    : is == OWES_REPLY                 ? l->dial->first
                                                       : 0;
    bool ends = l->is == LANE_ENDING;
    double now;

    if (is == h->owes && mark == h->mark && ends == (h->dot_at > 0))
        return;
    now = clock_mono();
    h->owes = is;
    h->mark = mark;
    if (!ends)
        h->dot_at = 0;
    else if (h->dot_at == 0)
        h->dot_at = now;
    h->deadline = patience_until(&(struct patience){.owes = is,
                                                    .rule = h->seek ? h->seek->rule : NULL,
                                                    .rcpt_at = first_rcpt(h, l),
                                                    .lmtp = h->relay->conf.lmtp,
                                                    .dot_at = h->dot_at},
                                 now);
}

bool hold_give_up(struct hold *h, double now)
{
    if (h->deadline == 0 || now < h->deadline)
        return false;
    h->deadline = 0;
    h->owes = OWES_NOTHING;
    lane_lost(h->relay, lane_of(h), FAIL_TIMEOUT);
    return true;
}

void hold_plan(struct hold *h)
{
    struct span pieces[DIAL_PIECES];

    set_clock(h);
    if (!h->up)
        return;
    dial_settle(&h->up->dial);
    watch_want(&h->up->watch, h->up->conn.fd,
               conn_reads_on(&h->up->conn) |
                   (relay_pieces(h->relay, h->lane, pieces) > 0 || conn_owes(&h->up->conn)
                        ? h->up->conn.needs
                        : 0));
}

void hold_cork(struct hold *h)
{
    if (h->up)
        conn_cork(&h->up->conn);
}

bool hold_uncork(struct hold *h)
{
    return !h->up || conn_uncork(&h->up->conn) == CONN_SOME;
}

void hold_free(struct hold **at)
{
    struct hold *h = *at;

    if (!h)
        return;
    *at = NULL;
    commit_cancel(&h->pledge);
    if (h->up) {
        struct lane *l = lane_of(h);

        lane_reset(l);
        let_go(h, l->left);
        lane_taken(l);
    }
    seek_free(&h->seek);
    free(h);
}
