/* SPDX-License-Identifier: Apache-2.0 */
#include "answers.h"

#include "asks.h"
#include "join.h"

/* The transaction is over: the room of its recipients serves the next one. */
static void forget(struct relay *r)
{
    r->room += r->house->accounts ? r->envelope.count : 0;
    envelope_reset(&r->envelope);
    relay_drop_header(r);
    relay_forget(&r->objection);
    r->chunks = CHUNKS_NONE;
}

static void conclude(struct relay *r)
{
    forget(r);
    if (serve_is_owed(&r->client, r->final.ticket))
        serve_answer(&r->client, r->final.ticket, r->final.text);
}

/* The final answer to a message; what was accepted is recorded before the client hears of it. */
static void final(struct relay *r, const struct heard *h)
{
    r->final = *h;
    r->messages += h->code / 100 == 2;
    if (h->code / 100 == 2 && r->house->accounts && r->envelope.count > 0)
        r->wish = RELAY_RECORD;
    else
        conclude(r);
}

/* What is written has used its room up. */
void relay_recorded(struct relay *r)
{
    unsigned count = r->envelope.count;

    conclude(r);
    r->room -= count;
    r->granted -= count;
    r->spent += count;
}

/* The room of a recipient that was not accepted serves the next one. */
static bool settle_rcpt(struct relay *r, bool accepted)
{
    unsigned count = r->envelope.count;
    bool kept = envelope_rcpt(&r->envelope, accepted);

    r->room += r->house->accounts && r->envelope.count == count;
    return kept;
}

/* It has logged in, and other rules may hold for it. */
static void log_in(struct relay *r)
{
    r->authenticated = true;
    if (!r->house->sources)
        return;
    sources_find_auth(r->house->sources, &r->who, r->house->source_name, &r->rule);
    relay_follow(r);
}

/* Only a 5xx is a failure: of a 4xx the client can know nothing. */
static void settle_login(struct relay *r, int code)
{
    r->login = code / 100 == 5 ? LOGIN_NONE : LOGIN_PARDONED;
    if (r->login == LOGIN_PARDONED)
        r->wish = RELAY_PARDON;
}

/* What an answer changes. False: no memory. */
static bool settle(struct relay *r, enum verb verb, int code)
{
    bool good = code / 100 == 2;

    switch (verb) {
    case VERB_MAIL:
        relay_forget(&r->objection);
        if (good)
            forget(r);
        return envelope_mail(&r->envelope, good);
    case VERB_RCPT:
        return settle_rcpt(r, good);
    case VERB_RSET:
    case VERB_EHLO:
    case VERB_HELO:
        if (good)
            forget(r);
        return true;
    case VERB_BDAT:
        r->chunks = good ? r->chunks : CHUNKS_BROKEN;
        return true;
    case VERB_AUTH:
    case VERB_RESPONSE:
        if (code == 235)
            log_in(r);
        if (code / 100 != 3 && r->login == LOGIN_TRIED)
            settle_login(r, code);
        return true;
    default:
        return true;
    }
}

/* The mail server answered DATA. What goes before the message is on its way before the client's
 * first byte can be; and nothing else waits to be sent. */
static void begin_message(struct relay *r, bool taken)
{
    if (taken && r->trace && !dial_preface(&r->backend, span_of(r->trace)))
        relay_end_421(r, REASON_NO_MEMORY, "Out of memory");
    relay_forget(&r->trace);
}

bool answers_are_final(enum verb verb)
{
    return verb == VERB_END || verb == VERB_LAST;
}

/* Does it wait for a message or a response that nobody is about to send (it would take commands
 * for that), or accept what it cannot have got, or DATA at once, or one without the sender whom it
 * refused (there is another, then)? And no dot shall end what is cut. */
static bool is_out_of_step(const struct relay *r, enum verb verb, int code)
{
    int more = verb == VERB_DATA ? 354 : verb == VERB_AUTH || verb == VERB_RESPONSE ? 334 : 0;

    return (code / 100 == 3 && code != more) || (verb == VERB_DATA && code / 100 == 2) ||
           (verb == VERB_DATA && code == 354 && r->objection) ||
           (dial_is_sending(&r->backend) && (code / 100 == 2 || verb == VERB_END));
}

/* Is it to the MAIL that the client was told is fine? */
static bool is_vouched(const struct relay *r, const struct heard *h)
{
    return r->vouched && h->ticket == r->vouched;
}

/* Of what the client has its answer to, serve may have forgotten what it was. */
static enum verb asked(const struct relay *r, const struct heard *h)
{
    return is_vouched(r, h) ? VERB_MAIL : serve_asked(&r->client, h->ticket);
}

/* If its MAIL is not fine, RCPT hears why. */
static void redeem(struct relay *r, const struct heard *h)
{
    r->vouched = 0;
    if (h->code / 100 == 2)
        return;
    relay_keep(&r->objection, h->text);
    if (!r->objection)
        relay_end_421(r, REASON_NO_MEMORY, "Out of memory");
}

static void pass_back(struct relay *r, enum verb verb, const struct heard *h)
{
    if (is_vouched(r, h)) {
        redeem(r, h);
        return;
    }
    if (verb == VERB_DATA)
        begin_message(r, h->code == 354);
    serve_answer(&r->client, h->ticket,
                 verb == VERB_RCPT && r->objection ? span_of(r->objection) : h->text);
}

void answers_take(struct relay *r, const struct heard *h)
{
    enum verb verb = asked(r, h);

    if (is_out_of_step(r, verb, h->code)) {
        join_keep_said(r, h->text);
        relay_end_421(r, REASON_BACKEND_BROKEN, "Mail server not available, try again later");
    } else if (!settle(r, verb, h->code)) {
        relay_end_421(r, REASON_NO_MEMORY, "Out of memory");
    } else if (h->code == 421) {
        join_keep_said(r, h->text);
        relay_end(r, REASON_REFUSED, h->text);
    } else if (answers_are_final(verb)) {
        final(r, h);
    } else if ((verb == VERB_EHLO || verb == VERB_HELO) && h->code == 250) {
        relay_show(r, h->ticket, verb, span_of(r->live)); /* the answer to RSET, in truth */
    } else {
        pass_back(r, verb, h);
    }
}
