/* SPDX-License-Identifier: Apache-2.0 */
#include "parties.h"

#include "asks.h"
#include "rule/proof.h"
#include "smtp/path.h"

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

/* Does the client wait for what we say to its MAIL, and for nothing else? Who may still log in
 * hears from the mail server whether he must. A size above its own it refuses with 552, which to
 * RCPT means that there are too many recipients, and that some may be taken later (RFC 5321,
 * 4.5.3.1.10). */
static bool may_vouch(const struct relay *r, struct span params)
{
    const struct standing at = relay_standing(r);

    return r->house->mail_at == MAIL_AT_RCPT && r->stage == STAGE_OPEN &&
           buf_len(&r->client.in) == r->client.lent && dial_waits(&r->backend) == 0 &&
           buf_len(&r->backend.out) == 0 && !envelope_is_busy(&r->envelope) &&
           ehlo_has(&r->offers, EHLO_PIPELINING) && !rules_exceed(params, r->offers.size_max) &&
           (at.authenticated || rules_auth(&r->rule, &at) == EHLO_AUTH_NONE);
}

static void vouch(struct relay *r, const struct request *q)
{
    dial_defer(&r->backend);
    r->vouched = q->ticket;
    serve_answer(&r->client, q->ticket, SPAN("250 2.1.0 Ok\r\n"));
}

/* What it hears from us though no rule is against it. */
static struct span answer_to(struct relay *r, const struct request *q, const struct party *party)
{
    if (q->verb == VERB_RCPT && r->objection && dial_waits(&r->backend) == 0) {
        serve_count_idle(&r->client); /* the backend would lose patience, and does not hear it */
        return span_of(r->objection);
    }
    if (!relay_has_room(r))
        return SPAN("452 4.3.1 No room for records\r\n");
    if (!envelope_has_room(&r->envelope, party))
        return SPAN("452 4.5.3 Too many recipients\r\n");
    return SPAN("");
}

/* What is asked is remembered for the record. */
static enum taken ask(struct relay *r, const struct request *q, struct span params,
                      const struct party *party)
{
    unsigned used = rules_used(q->verb, params);

    if (take_pass_with(r, q, used) != TAKEN)
        return NOT_YET;
    if (!envelope_ask(&r->envelope, party))
        relay_end_421(r, REASON_NO_MEMORY, "Out of memory");
    if (q->verb == VERB_MAIL)
        r->utf8 = used & 1U << EHLO_SMTPUTF8;
    else
        r->room -= r->house->accounts;
    return TAKEN;
}

enum taken parties_take(struct relay *r, const struct request *q)
{
    char room[REFUSAL_TEXT];
    struct path path;
    struct party party;
    bool is_mail = q->verb == VERB_MAIL, is_path = read_party(q, &path, &party);
    struct span no = is_mail ? refuse_sender(r, is_path ? &path : NULL, room) : SPAN("");

    if (no.len > 0)
        return take_refuse(r, q, no);
    if (!take_backend(r))
        return NOT_YET;
    no = rules_refuse_params(q->verb, path.params, take_extensions(r));
    if (no.len > 0)
        return take_refuse(r, q, no);
    no = answer_to(r, q, &party);
    if (no.len > 0)
        return take_answer(r, q, no);

    bool vouches = is_mail && is_path && may_vouch(r, path.params);
    enum taken taken = ask(r, q, path.params, &party);

    if (taken == TAKEN && vouches)
        vouch(r, q);
    return taken;
}
