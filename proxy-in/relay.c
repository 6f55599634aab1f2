/* SPDX-License-Identifier: Apache-2.0 */
#include "relay.h"

#include <stdio.h>
#include <stdlib.h>

#include "answers.h"
#include "asks.h"
#include "base/block.h"
#include "join.h"

void relay_forget(char **text)
{
    free(*text);
    *text = NULL;
}

void relay_keep(char **text, struct span from)
{
    free(*text);
    *text = strndup(from.at, from.len);
}

/* Who waits for an answer about a recipient, and whose sender was refused, hears that and not that
 * he may try again: some go at once when they have refused it (Exim's drop, Postfix's 521). */
static void tell_objection(struct relay *r)
{
    struct serve *s = &r->client;

    while (r->objection && serve_is_owed(s, s->first) && serve_asked(s, s->first) == VERB_RCPT)
        serve_answer(s, s->first, span_of(r->objection));
}

void relay_end(struct relay *r, enum reason why, struct span reply)
{
    if (r->why != REASON_NOT_YET)
        return;
    tell_objection(r);
    r->why = why;
    serve_end(&r->client, reply);
}

void relay_end_421(struct relay *r, enum reason why, const char *text)
{
    char reply[512];
    int n = snprintf(reply, sizeof reply, "421 4.3.2 %.255s %s\r\n", r->house->host_name, text);

    relay_end(r, why, (struct span){reply, (size_t)n});
}

struct standing relay_standing(const struct relay *r)
{
    return (struct standing){.secured = r->client.secured,
                             .has_tls = r->house->has_tls,
                             .in_mail = envelope_is_open(&r->envelope) || r->vouched,
                             .authenticated = r->authenticated};
}

void relay_follow(struct relay *r)
{
    r->client.demand_tls = rules_demand_tls(&r->rule);
    r->client.dot.bare = (enum dot_bare)r->rule.smtp_bare_newline;
    serve_limit(&r->client, r->rule.max_message_size);
}

void relay_show(struct relay *r, unsigned ticket, enum verb verb, struct span reply)
{
    const struct standing at = relay_standing(r);
    const struct ehlo_view view = {.name = r->house->host_name,
                                   .starttls = rules_offer_starttls(&r->rule, &at),
                                   .auth = rules_auth(&r->rule, &at),
                                   .size_max = rules_size(&r->rule, ehlo_read(reply).size_max)};
    struct buf text;
    bool made;

    buf_init(&text, SERVE_REPLY_MAX);
    if (verb == VERB_HELO)
        made = buf_addf(&text, "250 %s\r\n", r->house->host_name);
    else if ((made = ehlo_copy(&text, reply, &view)))
        r->shown = ehlo_read(buf_peek(&text)).has & ~(1U << EHLO_STARTTLS);
    if (made)
        serve_answer(&r->client, ticket, buf_peek(&text));
    else
        relay_end_421(r, REASON_BACKEND_BROKEN, "Mail server says too much");
    buf_clear(&text);
}

static void hear(struct relay *r)
{
    struct heard h;
    int got = 0;

    while (r->why == REASON_NOT_YET && r->wish == RELAY_WAIT && r->stage >= STAGE_INTRO &&
           !relay_shakes_backend(r) && (got = dial_next(&r->backend, &h)) > 0) {
        if (r->stage == STAGE_INTRO)
            join_heard(r, &h);
        else if (r->stage == STAGE_OPEN)
            answers_take(r, &h);
    }
    if (got < 0 && r->stage == STAGE_OPEN && dial_waits(&r->backend) == 0)
        join_unasked(r, buf_peek(&r->backend.in));
    else if (got < 0)
        join_broken(r);
}

/* False: nothing more can be done now. */
static bool next_request(struct relay *r)
{
    bool again = r->held_arg != NULL;
    struct request q = r->held;

    if (!again && serve_next(&r->client, &q) <= 0)
        return false;
    if (asks_take(r, &q) == NOT_YET) {
        if (!again) {
            relay_keep(&r->held_arg, q.arg);
            r->held = q;
            r->held.arg.at = r->held_arg;
            if (!r->held_arg)
                relay_end_421(r, REASON_NO_MEMORY, "Out of memory");
        }
        return false;
    }
    relay_forget(&r->held_arg);
    return true;
}

/* Why the client is heard no more. */
static enum reason silenced(const struct serve *s)
{
    if (serve_idles(s))
        return REASON_IDLE;
    return s->bad < SERVE_BAD_MAX ? REASON_FOREIGN : REASON_ERRORS;
}

enum relay_wish relay_turn(struct relay *r)
{
    r->wish = RELAY_WAIT;
    hear(r);
    if (r->stage == STAGE_GONE)
        r->wish = RELAY_DROP;
    else if (relay_shakes_backend(r))
        r->wish = RELAY_SECURE;
    while (r->why == REASON_NOT_YET && r->wish == RELAY_WAIT && next_request(r))
        ;
    /* The rest of it is ours alone to hear; without a dot the backend takes nothing. */
    if (r->stage == STAGE_OPEN && serve_has_outgrown(&r->client))
        r->wish = RELAY_DROP;
    if (r->why == REASON_NOT_YET && serve_is_over(&r->client))
        r->why = silenced(&r->client);
    return r->why == REASON_NOT_YET ? r->wish : RELAY_CLOSE;
}

bool relay_has_room(struct relay *r)
{
    if (!r->house->accounts || r->room > 0)
        return true;

    unsigned made = r->house->reserve(r->house->spool);

    r->room += made;
    r->granted += made;
    return made > 0;
}

void relay_may_log_in(struct relay *r, bool may)
{
    char no[320];
    int n = snprintf(no, sizeof no, "421 4.7.0 %.255s Too many failed logins, try again later\r\n",
                     r->house->host_name);

    r->login = LOGIN_COUNTED;
    if (may)
        return;
    r->login = LOGIN_NONE;
    relay_end(r, REASON_LOGINS, (struct span){no, (size_t)n});
}

void relay_pardoned(struct relay *r)
{
    r->login = LOGIN_NONE;
}

bool relay_owes_pardon(const struct relay *r)
{
    switch (r->why) {
    case REASON_CONNECT:
    case REASON_REFUSED:
    case REASON_LACKS:
    case REASON_BACKEND_SLOW:
    case REASON_BACKEND_LEFT:
    case REASON_BACKEND_BROKEN:
        return r->login != LOGIN_NONE;
    default:
        return r->login == LOGIN_COUNTED || r->login == LOGIN_PARDONED;
    }
}

unsigned relay_give_back(struct relay *r)
{
    bool needs = r->why == REASON_NOT_YET && (envelope_is_busy(&r->envelope) || r->held_arg);
    unsigned back = r->spent + (needs ? 0 : r->granted);

    r->spent = 0;
    if (!needs)
        r->room = r->granted = 0;
    return back;
}

void relay_init(struct relay *r, const struct relay_house *house, const struct source *rule,
                const struct addr *who, const struct addr *where, const char *session)
{
    *r = (struct relay){
        .rule = *rule, .house = house, .who = *who, .where = *where, .session = session};
    serve_init(&r->client, SERVE_WORLD, false, DOT_REJECT);
    relay_follow(r);
    dial_init(&r->backend);
    envelope_init(&r->envelope);
}

void relay_greet(struct relay *r, const struct facts_kept *tls)
{
    char hello[320];
    bool serves =
        r->rule.smtp_service || !source_objects(&r->rule, REPORT_smtp_service, &r->reported);
    int n = snprintf(hello, sizeof hello, "%s %.255s %s\r\n", serves ? "220" : "521",
                     r->house->host_name, serves ? "ESMTP" : "does not accept mail from you");

    r->tls = tls;
    if (tls)
        serve_born_secured(&r->client);
    serve_answer(&r->client, 0, (struct span){hello, (size_t)n});
    if (!serves)
        r->why = REASON_NO_SERVICE; /* RFC 7504, 3: 521 and then the end */
}

void relay_secured(struct relay *r, const struct facts_kept *tls)
{
    r->tls = tls;
    if (r->authenticated && r->house->sources) {
        sources_find(r->house->sources, &r->who, r->house->source_name, &r->rule);
        relay_follow(r);
    }
    r->authenticated = false;
    r->shown = 0;
    relay_forget(&r->user);
    relay_forget(&r->helo);
    if (!serve_secured(&r->client) && r->why == REASON_NOT_YET)
        r->why = REASON_SLIPPED;
}

/* Without memory the records do without. */
void relay_body_goes(struct relay *r, struct span body)
{
    const struct relay_house *h = r->house;

    if (h->header_count == 0 || !h->accounts || body.len == 0)
        return;
    if (!r->header && (r->header = block_get(sizeof *r->header)))
        header_init(r->header, h->headers, h->header_count);
    if (r->header)
        header_feed(r->header, body);
}

void relay_drop_header(struct relay *r)
{
    if (r->header)
        header_clear(r->header);
    block_give(r->header);
    r->header = NULL;
}

void relay_clear(struct relay *r)
{
    relay_drop_header(r);
    serve_clear(&r->client);
    dial_clear(&r->backend);
    envelope_clear(&r->envelope);
    relay_forget(&r->held_arg);
    relay_forget(&r->peer_names);
    relay_forget(&r->helo);
    relay_forget(&r->live);
    relay_forget(&r->name);
    relay_forget(&r->objection);
    relay_forget(&r->trace);
    relay_forget(&r->said);
    relay_forget(&r->user);
}

bool relay_is_idle(const struct relay *r)
{
    return r->why == REASON_NOT_YET && !r->held_arg && r->client.hear == HEAR_LINES &&
           r->client.first == r->client.next && !envelope_is_busy(&r->envelope) &&
           buf_len(&r->client.in) == 0;
}

bool relay_awaits_backend(const struct relay *r)
{
    if (serve_awaits_message(&r->client) && r->stage == STAGE_OPEN)
        return false; /* the answer comes after the last octet */
    return r->stage == STAGE_CALLED || r->stage == STAGE_INTRO ||
           (r->stage != STAGE_NONE && dial_waits(&r->backend) > 0);
}

bool relay_awaits_outcome(const struct relay *r)
{
    for (unsigned i = r->backend.first; i != r->backend.next; i++) {
        unsigned ticket = r->backend.asked[i % DIAL_DEPTH];

        if (serve_is_owed(&r->client, ticket) && answers_are_final(serve_asked(&r->client, ticket)))
            return !serve_awaits_message(&r->client); /* a chunk that is cut has none */
    }
    return false;
}
