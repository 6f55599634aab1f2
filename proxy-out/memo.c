/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/memo.h"

#include <stdlib.h>

#include "proxy-out/relay/recall.h"
#include "proxy-out/session.h"
#include "tell/log.h"

static const double patience = 10; /* seconds, where the facts process does not answer */

struct recollection {
    struct ask ask;
    struct alarm alarm;
    struct session *session;
    struct sent *all;
    unsigned got;
};

static void forget_asking(struct memo *m)
{
    if (!m->asking)
        return;
    ask_cancel(&m->asking->ask);
    alarm_stop(&m->asking->alarm);
    sent_free(&m->asking->all);
    free(m->asking);
    m->asking = NULL;
}

static void fail(struct session *s)
{
    recall_failed(&s->relay);
    forget_asking(&s->memo);
}

static void on_late(void *arg)
{
    struct recollection *a = arg;
    struct session *s = a->session;

    log_say(LOG_FAULT, s->id.text, "not-recalled", {"queue-id", span_of(s->relay.t.queue_id)});
    fail(s);
    session_step(s);
}

static void on_answer(struct ask *ask, const struct answer *answer)
{
    struct recollection *a = ask->arg;
    struct session *s = a->session;
    struct span entry = {answer->sent.entry, answer->count};
    struct sent *one = NULL;

    if (answer->sent.key_len <= entry.len && answer->count > 0) {
        struct span key = {entry.at, answer->sent.key_len};

        one = sent_read(key, span_after(entry, key.len));
    }
    if (one) {
        one->next = a->all;
        a->all = one;
    }
    if (answer->sent.more) {
        ask_about(ask, s->worker->line, QUESTION_SENT, s->relay.t.queue_id, ++a->got, on_answer, a);
        return;
    }
    recall_answered(&s->relay, a->all);
    a->all = NULL;
    forget_asking(&s->memo);
    session_step(s);
}

static void start_asking(struct session *s)
{
    struct recollection *a = calloc(1, sizeof *a);

    s->relay.recall = RECALL_ASKED;
    s->memo.asking = a;
    if (!a) {
        fail(s);
        return;
    }
    a->session = s;
    alarm_init(&a->alarm, s->worker->base, on_late, a);
    alarm_set(&a->alarm, patience);
    ask_start(&a->ask, s->worker->line, QUESTION_SENT, s->relay.t.queue_id, on_answer, a);
}

static void tell(struct session *s, const struct note *n)
{
    struct memo *m = &s->memo;
    struct told *one = teller_tell(s->worker->teller, n);

    if (!one)
        return;
    if (n->kind != NOTE_SENT) {
        teller_leave(s->worker->teller, &one);
        return;
    }
    *told_next(one) = m->told;
    m->told = one;
    m->replied = false;
}

static void tell_all(struct session *s)
{
    struct span rest = buf_peek(&s->relay.notes);
    struct note *n = NULL;

    while (rest.len >= sizeof *n) {
        struct note head;

        memcpy(&head, rest.at, sizeof head);
        if (!(n = malloc(note_size(&head))))
            break;
        memcpy(n, rest.at, note_size(&head));
        tell(s, n);
        rest = span_after(rest, note_size(n));
        free(n);
    }
    buf_drop(&s->relay.notes, buf_len(&s->relay.notes));
}

static void log_recalled(struct session *s)
{
    struct relay *r = &s->relay;

    if (r->remembered > 0)
        log_say(LOG_SESSION, s->id.text, "sent-before",
                {"then", SPAN("the remembered reply is given, and nothing is delivered")},
                {"recipients", log_number(r->remembered)});
    if (r->forgotten > 0)
        log_say(LOG_SESSION, s->id.text, "not-sent-before",
                {"then", SPAN("the same queue id and another message: 451, and forgotten")},
                {"recipients", log_number(r->forgotten)});
    if (r->awaited > 0)
        log_say(LOG_SESSION, s->id.text, "still-awaited",
                {"then", SPAN("sent before, and its server has not answered yet: 451")},
                {"recipients", log_number(r->awaited)});
    r->remembered = r->forgotten = r->awaited = 0;
}

void memo_tend(struct session *s)
{
    if (s->relay.recall == RECALL_WANTED)
        start_asking(s);
    if (buf_len(&s->relay.notes) > 0)
        tell_all(s);
    if (s->relay.remembered + s->relay.forgotten + s->relay.awaited > 0)
        log_recalled(s);
}

void memo_said(struct session *s)
{
    struct memo *m = &s->memo;

    m->invited = s->relay.message == RELAY_HEARS;
    m->replied = s->relay.message != RELAY_ENDING;
}

void memo_unsaid(struct session *s)
{
    s->memo.replied = false;
}

void memo_heard(struct session *s)
{
    struct memo *m = &s->memo;

    while (m->replied && m->invited && m->told) {
        struct told *one = m->told;

        m->told = *told_next(one);
        teller_heard(s->worker->teller, &one);
    }
}

static bool has_heard_likely(const struct session *s)
{
    return s->memo.replied && s->ended && !s->gone && conn_is_heard(&s->conn);
}

static void log_unheard(const struct session *s)
{
    log_say(LOG_SESSION, s->id.text, "answer-unheard",
            {"then", SPAN("it is remembered, should the mail server come again")});
}

void memo_clear(struct session *s)
{
    struct memo *m = &s->memo;
    bool likely = m->told && has_heard_likely(s);

    forget_asking(m);
    if (m->told && !likely)
        log_unheard(s);
    while (m->told) {
        struct told *one = m->told;

        m->told = *told_next(one);
        if (likely)
            teller_likely(s->worker->teller, &one);
        else
            teller_leave(s->worker->teller, &one);
    }
}
