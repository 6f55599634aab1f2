/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/relay/requests.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "proxy-out/relay/recall.h"
#include "rule/hosts.h"

static const char no_room[] = "452 4.3.1 No room for accounting records\r\n";

static void answer(struct relay *r, unsigned ticket, const char *text)
{
    serve_answer(&r->client, ticket, span_of(text));
}

static bool reserve(struct relay *r, size_t bytes)
{
    if (!r->conf.reserve(r->conf.spool, bytes))
        return false;
    r->reserved += bytes;
    return true;
}

static void on_ehlo(struct relay *r, const struct request *q)
{
    char text[1024];
    int len = snprintf(text, sizeof text,
                       q->verb == VERB_HELO ? "250 %s\r\n"
                                            : "250-%s\r\n250-PIPELINING\r\n250-SIZE\r\n"
                                              "250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n"
                                              "250-" XFORWARD_OFFER "\r\n"
                                              "250 ENHANCEDSTATUSCODES\r\n",
                       r->conf.host_name);
    struct span arg = q->arg;

    relay_end_transaction(r);
    text_clean(r->mta_name, sizeof r->mta_name, span_cut(&arg, ' '));
    serve_answer(&r->client, q->ticket, (struct span){text, (size_t)len});
}

static void on_xforward(struct relay *r, const struct request *q)
{
    if (r->t.open)
        answer(r, q->ticket, "503 5.5.1 Not in a transaction\r\n");
    else if (xforward_read(&r->from, q->arg))
        answer(r, q->ticket, "250 2.0.0 Ok\r\n");
    else
        answer(r, q->ticket, "501 5.5.4 Bad XFORWARD attribute\r\n");
}

static void on_mail(struct relay *r, const struct request *q)
{
    const char *why;

    if (r->t.open) {
        answer(r, q->ticket, "503 5.5.1 Nested MAIL\r\n");
        return;
    }
    if (!reserve(r, RECORD_MAX)) {
        answer(r, q->ticket, no_room);
        return;
    }
    r->t.from = r->from;
    if ((why = transaction_mail(&r->t, &r->conf.ids, q->arg))) {
        relay_end_transaction(r);
        answer(r, q->ticket, why);
        return;
    }
    r->mail_ticket = q->ticket;
    r->recall = recall_is_due(r) ? RECALL_WANTED : RECALL_OVER;
    if (r->recall == RECALL_OVER)
        answer(r, q->ticket, "250 2.1.0 Ok\r\n");
}

/* The domain as a lane has it: A-labels, or a literal. */
static bool read_domain(struct span domain, char to[IDNA_NAME])
{
    struct addr literal;

    if (domain.len < IDNA_NAME && literal_read(domain, &literal)) {
        text_copy(to, IDNA_NAME, domain);
        return true;
    }
    return idna_ascii(domain, to);
}

/* Over SMTP there is one answer to a message, so only one domain can be in it: the first of which
 * a recipient is accepted. One that is refused must not keep the others waiting for ever, where
 * the mail server says it first each time. Nor may it take as long as there are recipients. */
static bool may_change(const struct relay *r, const struct lane *l)
{
    return !r->conf.lmtp && l->accepted == 0 && r->t.domains < RELAY_LANES;
}

/* Which lane takes this domain: the one that has it, or a free one. NULL: none. */
static struct lane *find_lane(struct relay *r, const char *domain, unsigned *at)
{
    struct lane *l = NULL;

    for (*at = 0; *at < r->lanes; ++*at)
        if (!r->lane[*at]->domain[0] || !strcasecmp(r->lane[*at]->domain, domain))
            break;
    if (*at < r->lanes)
        l = r->lane[*at];
    else if (r->lanes == 0 || r->conf.lmtp)
        l = relay_add_lane(r);
    else if (may_change(r, r->lane[ *at = 0]))
        lane_reset(l = r->lane[0]);
    if (l && !l->domain[0]) {
        text_copy(l->domain, sizeof l->domain, span_of(domain));
        r->t.domains++;
    }
    return l;
}

/* The domain is no name: nobody can be asked. */
static void refuse_domain(struct relay *r, size_t recipient)
{
    struct records_event e = {.what = RECORD_ROW,
                              .recipient = recipient,
                              .domain = "",
                              .reply = SPAN("553 5.1.3 Not a domain name\r\n"),
                              .fail = FAIL_BAD_DOMAIN};

    relay_record(r, NULL, &e);
    r->t.rcpt[recipient].is = RCPT_REFUSED;
    serve_answer(&r->client, r->t.rcpt[recipient].ticket, e.reply);
}

/* The last recipient is none yet. */
static void take_back(struct relay *r)
{
    transaction_drop_last(&r->t);
    r->reserved -= RECORDS_ROOM;
    r->spare += RECORDS_ROOM;
}

/* It is to come in another transaction. */
static void put_back(struct relay *r, unsigned ticket, const char *why)
{
    take_back(r);
    answer(r, ticket, why);
}

/* It waits until every recipient has its answer. */
static void put_off(struct relay *r, const struct request *q)
{
    r->later = q->verb;
    r->later_ticket = q->ticket;
    r->later_arg = strndup(q->arg.len ? q->arg.at : "", q->arg.len);
    r->broken = r->broken || !r->later_arg;
}

/* Does another domain have the lane, and may it yet have to give that up? `recipient` is the one
 * that asks. */
static bool is_undecided(const struct relay *r, const char *domain, size_t recipient)
{
    const struct lane *l = r->lanes > 0 ? r->lane[0] : NULL;

    if (!l || !may_change(r, l) || !l->domain[0] || !strcasecmp(l->domain, domain))
        return false;
    for (size_t i = 0; i < recipient; i++)
        if (r->t.rcpt[i].is < RCPT_ACCEPTED)
            return true;
    return false;
}

static void on_rcpt(struct relay *r, const struct request *q)
{
    char domain[IDNA_NAME];
    struct span named;
    struct lane *l;
    const char *why;

    if (!r->t.open) {
        answer(r, q->ticket, "503 5.5.1 MAIL first\r\n");
        return;
    }
    if ((why = transaction_rcpt(&r->t, q->arg, &named))) {
        answer(r, q->ticket, why);
        return;
    }
    if (!reserve(r, RECORDS_ROOM)) {
        transaction_drop_last(&r->t);
        answer(r, q->ticket, no_room);
        return;
    }
    size_t at = r->t.count - 1;

    r->t.rcpt[at].ticket = q->ticket;
    if (!read_domain(named, domain)) {
        refuse_domain(r, at);
        return;
    }
    switch (recall_rcpt(r, at)) {
    case RECALL_HIT:
        return;
    case RECALL_APART:
        put_back(r, q->ticket, "452 4.5.3 Not with others that were delivered before\r\n");
        return;
    case RECALL_AWAITED:
        put_back(r, q->ticket, "451 4.4.2 Sent before, and its server has not answered yet\r\n");
        return;
    case RECALL_NONE:
        break;
    }
    if (is_undecided(r, domain, at)) {
        take_back(r);
        put_off(r, q);
        return;
    }
    if (!(l = find_lane(r, domain, &r->t.rcpt[at].lane))) {
        put_back(r, q->ticket,
                 r->conf.lmtp ? "452 4.5.3 Too many domains in a transaction\r\n"
                              : "452 4.5.3 One domain in a transaction\r\n");
        return;
    }
    if (l->is == LANE_OVER)
        lane_refuse(r, l, at);
    else if (l->is == LANE_REST)
        l->is = LANE_SEEKS;
}

static void on_data(struct relay *r, const struct request *q)
{
    unsigned accepted = 0;

    for (unsigned i = 0; i < r->lanes; i++)
        accepted += r->lane[i]->accepted;
    if (!r->t.open || r->t.count == 0) {
        answer(r, q->ticket, "503 5.5.1 RCPT first\r\n");
        return;
    }
    if (accepted == 0 && !recall_any(r)) {
        answer(r, q->ticket,
               r->conf.lmtp ? "503 5.5.1 No valid recipients\r\n" /* RFC 2033, 4.2 */
                            : "554 5.5.1 No valid recipients\r\n");
        return;
    }
    r->data_ticket = q->ticket;
    r->message = RELAY_ASKED_DATA;
    for (unsigned i = 0; i < r->lanes; i++)
        lane_data(r, r->lane[i]);
}

/* The queue id of the topmost Received, if it is the client's own. */
static void learn_queue_id(struct relay *r)
{
    if (!r->t.queue_id[0] && r->received.is == RECEIVED_FOUND &&
        !strcasecmp(r->received.by, r->mta_name))
        text_copy(r->t.queue_id, sizeof r->t.queue_id, span_of(r->received.id));
}

static void on_end(struct relay *r, const struct request *q)
{
    relay_look(r);
    if (r->t.header)
        header_end(r->t.header);
    learn_queue_id(r);
    r->end_ticket = q->ticket;
    r->message = RELAY_ENDING;
    for (unsigned i = 0; i < r->lanes; i++)
        lane_end(r, r->lane[i]);
}

static void on_request(struct relay *r, const struct request *q)
{
    switch (q->verb) {
    case VERB_EHLO:
    case VERB_HELO:
    case VERB_LHLO:
        on_ehlo(r, q);
        return;
    case VERB_XFORWARD:
        on_xforward(r, q);
        return;
    case VERB_MAIL:
        on_mail(r, q);
        return;
    case VERB_RCPT:
        on_rcpt(r, q);
        return;
    case VERB_DATA:
        on_data(r, q);
        return;
    case VERB_END:
        on_end(r, q);
        return;
    case VERB_RSET:
        relay_end_transaction(r);
        answer(r, q->ticket, "250 2.0.0 Ok\r\n");
        return;
    case VERB_QUIT:
        relay_end_transaction(r);
        answer(r, q->ticket, "221 2.0.0 Bye\r\n");
        r->quit = true;
        return;
    case VERB_ABORT:
        relay_end_transaction(r);
        answer(r, q->ticket, "550 5.6.11 The message breaks the rules\r\n");
        r->quit = true;
        return;
    default: /* NOOP, HELP */
        answer(r, q->ticket, "250 2.0.0 Ok\r\n");
    }
}

/* All but RCPT waits: DATA and RSET go by the answers. */
static bool must_wait(const struct relay *r, const struct request *q)
{
    return q->verb != VERB_RCPT && q->verb != VERB_NOOP && relay_has_open(r);
}

static void take_later(struct relay *r)
{
    struct request q = {.verb = r->later, .ticket = r->later_ticket};
    char *arg = r->later_arg;

    if (!arg || relay_has_open(r))
        return;
    r->later_arg = NULL;
    q.arg = span_of(arg);
    on_request(r, &q);
    free(arg);
}

void requests_take(struct relay *r)
{
    struct request q;

    take_later(r);
    while (!r->later_arg && !r->broken && r->recall == RECALL_OVER &&
           serve_next(&r->client, &q) > 0)
        if (must_wait(r, &q))
            put_off(r, &q);
        else
            on_request(r, &q);
}
