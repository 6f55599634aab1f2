/* SPDX-License-Identifier: Apache-2.0 */
#include "asks.h"

#include <stdio.h>

#include "rule/proof.h"
#include "smtp/path.h"
#include "trace.h"
#include "user.h"

enum { HELO_MAX = 512 };

static bool has_backend(struct relay *r)
{
    if (r->stage == STAGE_NONE) {
        r->stage = STAGE_CALLED;
        r->wish = RELAY_CONNECT;
    }
    return r->stage == STAGE_OPEN;
}

/* May it be asked now? Without PIPELINING one thing at a time. */
static bool backend_listens(const struct relay *r)
{
    return dial_waits(&r->backend) == 0 || ehlo_has(&r->offers, EHLO_PIPELINING);
}

/* To BDAT we never say but no: then its octets go nowhere. */
static enum taken answer(struct relay *r, const struct request *q, struct span text)
{
    if (q->verb == VERB_BDAT || q->verb == VERB_LAST)
        serve_drop_chunk(&r->client);
    serve_answer(&r->client, q->ticket, text);
    return TAKEN;
}

/* By our own rules: the backend, which would lose patience, does not hear of it. RCPT does not
 * count, for a message may have many. */
static enum taken refuse(struct relay *r, const struct request *q, struct span text)
{
    if (q->verb == VERB_MAIL || q->verb == VERB_STARTTLS || q->verb == VERB_AUTH)
        serve_count_idle(&r->client);
    return answer(r, q, text);
}

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
    if (!has_backend(r))
        return NOT_YET;
    if (!envelope_is_open(&r->envelope) && dial_waits(&r->backend) == 0) {
        relay_show(r, q->ticket, q->verb, span_of(r->live));
        return TAKEN;
    }
    /* A second EHLO means RSET (RFC 5321, 4.1.4); a second one to OpenSMTPD is refused. */
    if (!backend_listens(r) || !dial_ask(&r->backend, q->ticket, SPAN("RSET\r\n")))
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
    return answer(r, q, SPAN("220 2.0.0 Ready to start TLS\r\n"));
}

/* Puts the request, which uses extensions, to the backend as it is. */
static enum taken pass_on_with(struct relay *r, const struct request *q, unsigned used)
{
    char line[SERVE_AUTH_MAX + VERB_ROOM]; /* the longest argument */

    if (!has_backend(r) || !backend_listens(r))
        return NOT_YET;
    if (used & r->shown & ~r->offers.has) {
        relay_end_421(r, REASON_LACKS, "Mail server no longer offers this");
        return NOT_YET;
    }
    return dial_ask(&r->backend, q->ticket, verb_line(q->verb, q->arg, line)) ? TAKEN : NOT_YET;
}

static enum taken pass_on(struct relay *r, const struct request *q)
{
    return pass_on_with(r, q, rules_used(q->verb, SPAN("")));
}

/* The extensions that this client may use. Who said HELO was shown none, and uses them all the
 * same: what the backend can do does no harm. */
static unsigned extensions(const struct relay *r)
{
    return r->extended ? r->shown : r->offers.has;
}

static enum taken etrn(struct relay *r, const struct request *q)
{
    if (!has_backend(r))
        return NOT_YET;
    if (!(extensions(r) & 1U << EHLO_ETRN))
        return answer(r, q, SPAN("502 5.5.1 ETRN is not offered\r\n"));
    return pass_on(r, q);
}

static enum taken respond(struct relay *r, const struct request *q)
{
    enum taken taken = pass_on(r, q);

    if (taken == TAKEN)
        user_respond(r, q->arg);
    return taken;
}

static enum taken auth(struct relay *r, const struct request *q)
{
    if (!has_backend(r))
        return NOT_YET;
    /* Credentials are for no server that does not ask for them. */
    if (!ehlo_has(&r->offers, EHLO_AUTH) && !(r->shown & 1U << EHLO_AUTH))
        return refuse(r, q, SPAN("503 5.5.1 AUTH is not offered\r\n"));
    if (r->rule.auth_failures.count > 0 && r->login == LOGIN_NONE) {
        r->wish = RELAY_LOGIN;
        return NOT_YET;
    }

    enum taken taken = pass_on(r, q);

    if (taken == TAKEN && r->login == LOGIN_COUNTED)
        r->login = LOGIN_TRIED;
    if (taken == TAKEN)
        user_begin(r, q->arg);
    return taken;
}

/* What this client may not send. Nothing of it is for the backend. Mostly no rule asks, and then
 * the facts of its TLS need not be read: 900 instructions. */
static struct span refuse_sender(struct relay *r, const struct path *from, char room[REFUSAL_TEXT])
{
    if (!proof_is_asked(&r->rule, r->house->senders))
        return SPAN("");

    struct tls_facts tls;
    const struct proof proof = {.rule = &r->rule,
                                .senders = r->house->senders,
                                .has = {.tls = facts_of(r->tls, &tls),
                                        .names = span_of(r->peer_names ? r->peer_names : ""),
                                        .authenticated = r->authenticated}};
    const char *word;
    struct reported before = r->reported;
    const struct refusal *no = proof_refuse(&proof, from, &word, &r->reported);

    if (r->held_arg)
        r->reported = before; /* it was counted when it was asked */
    return no ? refusal_reply(no, word, room) : SPAN("");
}

/* The path of MAIL or RCPT, and what of it is remembered. False: it is none, and that is for the
 * backend to judge. */
static bool read_party(const struct request *q, struct path *path, struct party *out)
{
    bool is_mail = q->verb == VERB_MAIL;
    bool is_path = path_read(q->arg, is_mail ? "FROM:" : "TO:", path);

    *out = (struct party){.mailbox = is_path ? path->mailbox : q->arg, .label = SPAN("")};
    if (is_path && !param_find(path->params, is_mail ? "ENVID" : "ORCPT", &out->label))
        out->label = SPAN("");
    return is_path;
}

/* MAIL and RCPT: what is asked is remembered for the record. */
static enum taken address(struct relay *r, const struct request *q)
{
    char room[REFUSAL_TEXT];
    struct path path;
    struct party party;
    bool is_mail = q->verb == VERB_MAIL, is_path = read_party(q, &path, &party);
    struct span no = is_mail ? refuse_sender(r, is_path ? &path : NULL, room) : SPAN("");

    if (no.len > 0)
        return refuse(r, q, no);
    if (!has_backend(r))
        return NOT_YET;
    no = rules_refuse_params(q->verb, path.params, extensions(r));
    if (no.len > 0)
        return refuse(r, q, no);
    if (!relay_has_room(r))
        return answer(r, q, SPAN("452 4.3.1 No room for records\r\n"));
    if (!envelope_has_room(&r->envelope, &party))
        return answer(r, q, SPAN("452 4.5.3 Too many recipients\r\n"));

    unsigned used = rules_used(q->verb, path.params);
    enum taken taken = pass_on_with(r, q, used);

    if (taken == TAKEN && !envelope_ask(&r->envelope, &party))
        relay_end_421(r, REASON_NO_MEMORY, "Out of memory");
    r->room -= taken == TAKEN && r->house->accounts && !is_mail;
    if (taken == TAKEN && is_mail)
        r->utf8 = used & 1U << EHLO_SMTPUTF8;
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

/* Would the message outgrow its limit with this chunk, or its count 32 bits with our own line? */
static bool is_too_much(const struct relay *r, const struct request *q)
{
    uint64_t most = r->rule.max_message_size;

    return q->octets > CHUNK_MOST - TRACE_MAX ||
           (most > 0 && r->client.received + q->octets > most);
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
        return answer(r, q, SPAN("502 5.5.1 BDAT is not offered\r\n"));
    if (no.len > 0) { /* without it, the next ones are no message */
        r->chunks = envelope_is_open(&r->envelope) ? CHUNKS_BROKEN : r->chunks;
        return answer(r, q, no);
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
        return answer(r, q, SPAN("503 5.5.1 Not among BDAT\r\n"));
    return has_trace(r) ? pass_on(r, q) : NOT_YET;
}

/* What needs no backend while there is none. */
static enum taken small_talk(struct relay *r, const struct request *q)
{
    if (r->stage != STAGE_NONE)
        return pass_on(r, q);
    if (q->verb == VERB_HELP)
        return answer(r, q, SPAN("214 2.0.0 This is SMTP; see RFC 5321\r\n"));
    return answer(r, q, SPAN("250 2.0.0 Ok\r\n"));
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
    return answer(r, q, (struct span){bye, (size_t)n});
}

static enum taken refuse_outgrown(struct relay *r, const struct request *q)
{
    r->why = REASON_TOO_BIG;
    return answer(r, q, SPAN("552 5.3.4 Message size exceeds the limit\r\n"));
}

static enum taken abort_message(struct relay *r, const struct request *q)
{
    r->why = REASON_BARE;
    return answer(r, q, SPAN("550 5.6.11 A bare CR, LF or NUL is not allowed\r\n"));
}

enum taken asks_take(struct relay *r, const struct request *q)
{
    const struct standing at = relay_standing(r);
    struct reported before = r->reported;
    struct span no = rules_refuse(&r->rule, &at, q, &r->reported);

    if (r->held_arg)
        r->reported = before; /* it was counted when it was asked */
    if (no.len > 0)
        return refuse(r, q, no);
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
        return address(r, q);
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
        return pass_on(r, q);
    }
}
