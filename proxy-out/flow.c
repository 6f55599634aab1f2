/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/flow.h"

#include "proxy-out/relay/recall.h"

enum { ROUNDS = 16 }; /* of a step: then others have their turn */

bool flow_has_more(const struct session *s)
{
    return conn_owes(&s->conn) ||
           (buf_len(&s->relay.client.out) > 0 && !relay_holds_back(&s->relay));
}

static void pull_client(struct session *s, size_t *moved)
{
    enum conn_got got = CONN_SOME;

    while (got == CONN_SOME && !s->ended && !s->sated) {
        char *at;
        size_t len = 0, size = serve_space(&s->relay.client, &at);

        if (size == 0)
            return;
        got = conn_read(&s->conn, at, size, &len);
        serve_grew(&s->relay.client, got == CONN_SOME ? len : 0);
        *moved += len;
        s->in += len;
        if (len > 0)
            memo_heard(s);
        s->ended = got == CONN_OVER || got == CONN_FAILED;
        s->gone = s->gone || got == CONN_FAILED;
        s->sated = conn_is_drained(&s->conn, got);
    }
}

static void push_client(struct session *s, size_t *moved)
{
    struct buf *out = &s->relay.client.out;
    bool holds_back = relay_holds_back(&s->relay);
    enum conn_got got = CONN_SOME;

    while (flow_has_more(s) && got == CONN_SOME) {
        struct span text = holds_back ? SPAN("") : buf_peek(out);
        size_t len = 0;

        if (s->gone) {
            buf_drop(out, text.len);
            return;
        }
        got = conn_write(&s->conn, &text, 1, &len);
        buf_drop(out, len);
        *moved += len;
        s->gone = got == CONN_OVER || got == CONN_FAILED;
    }
    if (buf_len(out) == 0 && !holds_back && !flow_has_more(s) && !s->gone)
        memo_said(s);
}

static bool keep_records(struct session *s)
{
    struct relay *r = &s->relay;
    struct spool *spool = s->worker->spool;

    if (buf_len(&r->lines) > 0) {
        if (spool && !spool_append(spool, buf_peek(&r->lines)))
            return false;
        buf_drop(&r->lines, buf_len(&r->lines));
    }
    for (unsigned i = 0; i < s->holds; i++)
        hold_record(s->hold[i]);
    memo_tend(s);
    if (spool && r->spare > 0)
        spool_release(spool, r->spare);
    r->spare = 0;
    return true;
}

static enum phase over(struct session *s, enum reason why)
{
    if (s->why == REASON_NOT_YET)
        s->why = s->relay.quit ? REASON_QUIT : why;
    return PHASE_OVER;
}

static enum phase phase_by_need(const struct session *s)
{
    switch (relay_awaits(&s->relay)) {
    case AWAITS_COMMAND:
        return PHASE_TALK;
    case AWAITS_MESSAGE:
        return PHASE_MESSAGE;
    case AWAITS_SERVERS:
        return PHASE_SERVERS;
    case AWAITS_DISK:
        return PHASE_RECORD;
    }
    return PHASE_TALK;
}

/* One for each lane, as lanes come and go. */
static bool fit_holds(struct session *s)
{
    while (s->holds > s->relay.lanes)
        hold_free(&s->hold[--s->holds]);
    for (; s->holds < s->relay.lanes; s->holds++)
        if (!(s->hold[s->holds] = hold_new(s->worker, &s->relay, s->holds, s->id.text, &s->handed,
                                           &s->story, session_ready, s)))
            return false;
    return true;
}

/* One round of everything. */
static enum phase round_of(struct session *s, size_t *moved)
{
    struct relay *r = &s->relay;
    enum relay_wish wish;

    pull_client(s, moved);
    for (unsigned i = 0; i < s->holds; i++)
        hold_pull(s->hold[i], moved);
    wish = relay_turn(r);
    if (s->ended)
        recall_left(r);
    if (!fit_holds(s))
        return over(s, REASON_NO_MEMORY);
    for (unsigned i = 0; i < s->holds; i++)
        *moved += hold_tend(s->hold[i]);
    if (wish == RELAY_CUT || !keep_records(s))
        return over(s, REASON_RECORDS);
    for (unsigned i = 0; i < s->holds; i++)
        hold_push(s->hold[i], moved);
    push_client(s, moved);
    return wish == RELAY_END && *moved == 0 ? PHASE_LAST_WORDS : phase_by_need(s);
}

/* Has it said its last while there is nothing that could still become a message? Whoever closes
 * while a server is sought for it has given up, and is not to hold a place that others wait for. */
static bool has_left(const struct session *s, enum phase now)
{
    const struct relay *r = &s->relay;

    if (!s->ended || now == PHASE_TALK)
        return s->ended;
    if (r->message == RELAY_NO_MESSAGE)
        return buf_len(&r->client.in) == 0 && !r->quit && !r->later_arg;
    return r->message == RELAY_HEARS && serve_body(&r->client).len == 0;
}

/* The client is gone. An answer to a message is waited for all the same, since its outcome is to
 * be written down; nothing else is of use to anybody. */
static bool is_of_no_use(const struct session *s, enum phase now)
{
    return s->relay.message != RELAY_ENDING && (s->gone || has_left(s, now));
}

/* Until a round moves no byte in or out: TLS may hold bytes that no socket will announce, and
 * room made at the end of a round is only used by the next. */
enum phase flow_talk(struct session *s)
{
    enum phase now = PHASE_TALK;

    for (unsigned i = 0; i < ROUNDS; i++) {
        size_t moved = 0;

        now = round_of(s, &moved);
        if (now == PHASE_OVER || now == PHASE_LAST_WORDS)
            return now;
        if (is_of_no_use(s, now))
            return over(s, REASON_CLIENT_LEFT);
        if (moved == 0)
            return now;
    }
    alarm_set(&s->again, 0);
    return now;
}

/* To close on what was sent but not read would reset the connection, and our words with it. */
enum phase flow_last_words(struct session *s)
{
    size_t moved = 0;

    push_client(s, &moved);
    if (s->gone)
        return over(s, REASON_CLIENT_LEFT);
    if (buf_len(&s->relay.client.out) > 0 || conn_owes(&s->conn))
        return PHASE_LAST_WORDS;
    if (!s->finished)
        conn_finish(&s->conn);
    s->finished = true;
    s->ended = s->ended || !conn_discard(&s->conn);
    return s->ended ? over(s, REASON_FOREIGN) : PHASE_LAST_WORDS;
}
