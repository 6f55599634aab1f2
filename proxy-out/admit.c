/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/admit.h"

#include "base/clock.h"
#include "tell/log.h"

static bool reserve(void *spool, size_t bytes)
{
    return !spool || spool_reserve(spool, bytes);
}

static bool may_know(void *hints, struct span queue_id)
{
    return hints_has(hints, queue_id, clock_now());
}

/* The greeting. `refused`: no mail is taken, and that is why. */
static enum phase greet(struct session *s, const char *refused, enum reason why)
{
    struct relay_conf conf = {.host_name = s->worker->settings->host_name,
                              .mta = {.at = s->at, .session = s->id},
                              .lmtp = s->lmtp,
                              .refused = refused,
                              .headers = s->worker->settings->wanted.header,
                              .header_count = s->worker->settings->wanted.header_count,
                              .remember = s->worker->settings->global.duplicate_memory,
                              .may_know = may_know,
                              .hints = s->worker->hints,
                              .reserve = reserve,
                              .spool = s->worker->spool,
                              .unrecorded = !s->worker->spool,
                              .holds = s->worker->commit != NULL};

    worker_ids(s->worker, s->listener, &conf.ids);
    relay_init(&s->relay, &conf);
    if (refused)
        s->why = why;
    return refused ? PHASE_LAST_WORDS : PHASE_TALK;
}

static void tell_remedy(const struct session *s, const struct handed_why *why)
{
    char at[ADDR_TEXT];

    if (why->remedy)
        log_say(LOG_LIFE, s->id.text, "not-taken", {"why", span_of(reason_word(why->why))},
                {"client", span_of(addr_text(&s->at, at))}, {"remedy", span_of(why->remedy)});
}

/* Once is enough: it is a matter of how both are configured. */
static void tell_source(struct session *s)
{
    char at[ADDR_TEXT];

    if (s->handed.has_from || s->worker->told_source)
        return;
    s->worker->told_source = true;
    log_say(LOG_LIFE, s->id.text, "source-not-ours",
            {"address", span_of(addr_text(&s->handed.from, at))},
            {"remedy", SPAN("the PROXY header names an address that this machine did not have at "
                            "the start, so mail goes out from another: add it and reload")});
}

static enum phase handed_over(struct session *s, enum handed_got got, const struct handed_why *why)
{
    switch (got) {
    case HANDED_LATER:
        return PHASE_HEAD;
    case HANDED_WELL:
        return greet(s, NULL, REASON_NOT_YET);
    case HANDED_REFUSED:
        tell_remedy(s, why);
        return greet(s, "that was not sent here for a server", why->why);
    case HANDED_SPOILT:
        break;
    }
    tell_remedy(s, why);
    s->why = why->why;
    return PHASE_OVER;
}

enum phase admit_hear(struct session *s)
{
    struct handed_why why;
    enum handed_got got = handed_hear(&s->handed, &s->conn, &s->head, &s->worker->own, &why);

    if (got != HANDED_LATER)
        buf_clear(&s->head);
    if (got == HANDED_WELL)
        tell_source(s);
    return handed_over(s, got, &why);
}

enum phase admit_start(struct session *s, const struct relay_listener *listener)
{
    struct handed_why why;

    /* Who may connect to a file is that file's business. */
    if (!listener->path && !networks_has(&listener->allow, &s->at))
        return greet(s, "from you", REASON_NOT_ALLOWED);
    return handed_over(s, handed_accepted(&s->handed, listener, &s->conn, &s->worker->own, &why),
                       &why);
}

void admit_late(struct session *s)
{
    tell_remedy(s, &handed_late);
    s->why = handed_late.why;
}
