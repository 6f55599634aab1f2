/* SPDX-License-Identifier: Apache-2.0 */
#include "asks.h"

#include <stdio.h>

#include "parties.h"
#include "trace.h"
#include "user.h"

enum { HELO_MAX = 512 };

static enum taken hello(struct relay *r, const struct request *q)
{
    struct span name = {q->arg.at, q->arg.len < HELO_MAX ? q->arg.len : HELO_MAX};
    const struct relay_memory *m = r->house->memory;
    const struct standing at = relay_standing(r);
    bool late = r->house->connect_at == CONNECT_AT_MAIL && m->stands;

    relay_keep(&r->helo, name);
    r->extended = q->verb == VERB_EHLO;
    if (r->stage == STAGE_NONE && rules_show_known(&r->rule, &at, late) &&
        (q->verb == VERB_HELO || m->len > 0)) {
        relay_show(r, q->ticket, q->verb, (struct span){m->reply, m->len});
        return TAKEN;
    }
    if (!take_backend(r))
        return NOT_YET;
    if (!envelope_is_open(&r->envelope) && dial_waits(&r->backend) == 0) {
        relay_forget(&r->objection);
        relay_show(r, q->ticket, q->verb, span_of(r->live));
        return TAKEN;
    }
    /* A second EHLO means RSET (RFC 5321, 4.1.4); a second one to OpenSMTPD is refused. */
    if (!take_listens(r) || !dial_ask(&r->backend, q->ticket, SPAN("RSET\r\n")))
        return NOT_YET;
    return TAKEN;
}

static enum taken start_tls(struct relay *r, const struct request *q)
{
    if (r->stage == STAGE_OPEN &&
        (dial_waits(&r->backend) > 0 || !dial_ask(&r->backend, 0, SPAN("QUIT\r\n"))))
        return NOT_YET;
    if (r->stage != STAGE_NONE) {
        /* It knows this client without TLS; the next connection tells it better. */
        r->wish = RELAY_DROP;
        return NOT_YET;
    }
    r->wish = RELAY_START_TLS;
    return take_answer(r, q, SPAN("220 2.0.0 Ready to start TLS\r\n"));
}

static enum taken etrn(struct relay *r, const struct request *q)
{
    if (!take_backend(r))
        return NOT_YET;
    if (!(take_extensions(r) & 1U << EHLO_ETRN))
        return take_answer(r, q, SPAN("502 5.5.1 ETRN is not offered\r\n"));
    return take_pass(r, q);
}

static enum taken respond(struct relay *r, const struct request *q)
{
    enum taken taken = take_pass(r, q);

    if (taken == TAKEN)
        user_respond(r, q->arg);
    return taken;
}

static enum taken auth(struct relay *r, const struct request *q)
{
    if (!take_backend(r))
        return NOT_YET;
    /* Credentials are for no server that does not ask for them. */
    if (!ehlo_has(&r->offers, EHLO_AUTH) && !(r->shown & 1U << EHLO_AUTH))
        return take_refuse(r, q, SPAN("503 5.5.1 AUTH is not offered\r\n"));
    if (r->rule.auth_failures.count > 0 && r->login == LOGIN_NONE) {
        r->wish = RELAY_LOGIN;
        return NOT_YET;
    }

    enum taken taken = take_pass(r, q);

    if (taken == TAKEN && r->login == LOGIN_COUNTED)
        r->login = LOGIN_TRIED;
    if (taken == TAKEN)
        user_begin(r, q->arg);
    return taken;
}

void relay_trace(struct relay *r, double now)
{
    struct tls_facts tls;
    const struct trace t = {
        .helo = r->helo,
        .client = r->who,
        .tls = facts_of(r->tls, &tls),
        .host = r->house->host_name,
        .session = r->session,
        .extended = r->extended,
        .authenticated = r->authenticated,
        .utf8 = r->utf8,
    };
    struct buf text;

    buf_init(&text, TRACE_MAX);
    if (trace_make(&text, &t, now))
        relay_keep(&r->trace, buf_peek(&text));
    buf_clear(&text);
    if (!r->trace)
        relay_end_421(r, REASON_NO_MEMORY, "Out of memory");
}

/* Is what goes before the message there, if anything does? */
static bool has_trace(struct relay *r)
{
    bool has = !r->rule.add_received_header || r->trace;

    if (!has)
        r->wish = RELAY_TRACE;
    return has;
}

/* Would the message outgrow a limit with this chunk, or its count 32 bits with our own line? Not
 * even the backend's own limit is left to it: Exim 4.96 drops some of such a chunk, and takes the
 * rest for commands. */
static bool is_too_much(const struct relay *r, const struct request *q)
{
    unsigned long theirs = r->offers.size_max, most = rules_size(&r->rule, theirs);
    uint64_t all = r->client.received + q->octets;

    return q->octets > CHUNK_MOST - TRACE_MAX || (most > 0 && all > most) ||
           (theirs > 0 && all > theirs);
}

/* Why a chunk goes nowhere: it goes on only where the backend will take the octets, that is, in a
 * transaction with a recipient and if it took those before. It need not be trusted to drop them. */
static struct span refuse_chunk(const struct relay *r, const struct request *q)
{
    if (r->chunks == CHUNKS_BROKEN)
        return SPAN("503 5.5.1 A chunk was refused, RSET first\r\n");
    if (!envelope_is_open(&r->envelope) || r->envelope.count == 0)
        return SPAN("503 5.5.1 MAIL and RCPT first\r\n");
    if (is_too_much(r, q))
        return SPAN("552 5.3.4 Message size exceeds the limit\r\n");
    return SPAN("");
}

/* BDAT. What we put before a message is part of its first chunk. */
static enum taken chunk(struct relay *r, const struct request *q)
{
    char line[64 + TRACE_MAX];
    struct span no = refuse_chunk(r, q);

    if (!(r->shown & 1U << EHLO_CHUNKING))
        return take_answer(r, q, SPAN("502 5.5.1 BDAT is not offered\r\n"));
    if (r->vouched) /* is there a transaction? It has only just been asked for */
        return NOT_YET;
    if (no.len > 0) { /* without it, the next ones are no message */
        r->chunks = envelope_is_open(&r->envelope) ? CHUNKS_BROKEN : r->chunks;
        return take_answer(r, q, no);
    }
    if (!ehlo_has(&r->offers, EHLO_CHUNKING)) {
        relay_end_421(r, REASON_LACKS, "Mail server no longer offers this");
        return NOT_YET;
    }
    if (r->chunks == CHUNKS_NONE && !has_trace(r))
        return NOT_YET;

    const char *lead = r->trace ? r->trace : "";
    int n = snprintf(line, sizeof line, "BDAT %lu%s\r\n%s", q->octets + strlen(lead),
                     q->verb == VERB_LAST ? " LAST" : "", lead);

    if (!dial_chunk(&r->backend, q->ticket, (struct span){line, (size_t)n}, q->octets))
        return NOT_YET;
    relay_forget(&r->trace);
    r->chunks = CHUNKS_COME;
    return TAKEN;
}

/* RFC 3030, 4.2: no DATA where chunks are under way. */
static enum taken data(struct relay *r, const struct request *q)
{
    if (r->chunks != CHUNKS_NONE && dial_waits(&r->backend) > 0) /* RSET may be among them */
        return NOT_YET;
    if (r->chunks != CHUNKS_NONE)
        return take_answer(r, q, SPAN("503 5.5.1 Not among BDAT\r\n"));
    return has_trace(r) ? take_pass(r, q) : NOT_YET;
}

/* What needs no backend while there is none. */
static enum taken small_talk(struct relay *r, const struct request *q)
{
    if (r->stage != STAGE_NONE)
        return take_pass(r, q);
    if (q->verb == VERB_HELP)
        return take_answer(r, q, SPAN("214 2.0.0 This is SMTP; see RFC 5321\r\n"));
    return take_answer(r, q, SPAN("250 2.0.0 Ok\r\n"));
}

static enum taken quit(struct relay *r, const struct request *q)
{
    char bye[320];
    int n = snprintf(bye, sizeof bye, "221 2.0.0 %.255s Bye\r\n", r->house->host_name);

    if (r->stage == STAGE_OPEN) {
        if (dial_waits(&r->backend) > 0 || !dial_ask(&r->backend, 0, SPAN("QUIT\r\n")))
            return NOT_YET;
        r->stage = STAGE_LEAVING;
    }
    r->why = REASON_QUIT;
    return take_answer(r, q, (struct span){bye, (size_t)n});
}

static enum taken refuse_outgrown(struct relay *r, const struct request *q)
{
    r->why = REASON_TOO_BIG;
    return take_answer(r, q, SPAN("552 5.3.4 Message size exceeds the limit\r\n"));
}

static enum taken abort_message(struct relay *r, const struct request *q)
{
    r->why = REASON_BARE;
    return take_answer(r, q, SPAN("550 5.6.11 A bare CR, LF or NUL is not allowed\r\n"));
}

enum taken asks_take(struct relay *r, const struct request *q)
{
    const struct standing at = relay_standing(r);
    struct reported before = r->reported;
    struct span no = rules_refuse(&r->rule, &at, q, &r->reported);

    dial_resume(&r->backend); /* whatever it says next, nobody waits for a RCPT any more */
    if (r->held_arg)
        r->reported = before; /* it was counted when it was asked */
    if (no.len > 0)
        return take_refuse(r, q, no);
    switch (q->verb) {
    case VERB_EHLO:
    case VERB_HELO:
        return hello(r, q);
    case VERB_STARTTLS:
        return start_tls(r, q);
    case VERB_AUTH:
        return auth(r, q);
    case VERB_RESPONSE:
        return respond(r, q);
    case VERB_MAIL:
    case VERB_RCPT:
        return parties_take(r, q);
    case VERB_DATA:
        return data(r, q);
    case VERB_BDAT:
    case VERB_LAST:
        return chunk(r, q);
    case VERB_ETRN:
        return etrn(r, q);
    case VERB_RSET:
    case VERB_NOOP:
    case VERB_HELP:
        return small_talk(r, q);
    case VERB_QUIT:
        return quit(r, q);
    case VERB_END:
        return dial_end(&r->backend, q->ticket) ? TAKEN : NOT_YET;
    case VERB_OUTGROWN:
        return refuse_outgrown(r, q);
    case VERB_ABORT:
        return abort_message(r, q);
    default:
        return take_pass(r, q);
    }
}
