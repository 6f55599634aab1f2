/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "proxy-out/relay/lane.h"
#include "proxy-out/relay/relay.h"

static bool ask_mail(struct relay *r, struct lane *l)
{
    struct buf line;

    buf_init(&line, TRANSACTION_LINE);
    l->mail_asked = transaction_mail_line(&r->t, &l->ehlo, &line) &&
                    dial_ask(l->dial, TICKET_MAIL, buf_peek(&line));
    buf_clear(&line);
    return l->mail_asked;
}

static void ask_rcpt(struct relay *r, struct lane *l, size_t recipient)
{
    struct recipient *to = &r->t.rcpt[recipient];
    struct buf line;

    buf_init(&line, TRANSACTION_LINE);
    if (transaction_rcpt_line(to, &l->ehlo, &line) &&
        dial_ask(l->dial, TICKET_RCPT + (unsigned)recipient, buf_peek(&line))) {
        to->is = RCPT_ASKED;
        l->asked++;
        r->no_dsn += to->success && !ehlo_has(&l->ehlo, EHLO_DSN);
    }
    buf_clear(&line);
}

/* May something be asked before the last answer is in (RFC 2920)? */
static bool may_ask(const struct lane *l)
{
    return dial_has_room(l->dial, TRANSACTION_LINE) &&
           (dial_waits(l->dial) == 0 || ehlo_has(&l->ehlo, EHLO_PIPELINING));
}

/* What this server cannot take, by what it said of itself. What needs SMTPUTF8 the mail server
 * says: its parameter is also about headers (RFC 6531, 3.4). */
static enum fail unfit(const struct relay *r, const struct lane *l, size_t recipient)
{
    const struct ehlo *e = &l->ehlo;

    if (!ehlo_has(e, EHLO_SMTPUTF8) && transaction_needs_utf8(&r->t, &r->t.rcpt[recipient]))
        return FAIL_SMTPUTF8;
    /* Without a limit, or with 0, there is none that is known (RFC 1870, 4). */
    return e->size_max > 0 && r->t.size > e->size_max ? FAIL_SIZE : FAIL_NOT;
}

static void refuse(struct relay *r, struct lane *l, size_t recipient, enum fail fail)
{
    char text[256];
    int len = snprintf(text, sizeof text, "%s\r\n", fail_reply(fail));

    relay_refuse(r, recipient, (struct span){text, (size_t)len}, fail, l->remote);
}

/* The client did not wait for the answers to its recipients, and so need not we (RFC 2920, 3.1):
 * a round trip less, and with TLS two records. But no server is to wait with its 354 for another.
 */
static void ask_data(struct relay *r, struct lane *l)
{
    if (r->later_arg && r->later == VERB_DATA && r->lanes == 1 && l->is == LANE_OPEN &&
        l->asked > 0 && may_ask(l))
        l->data_asked = dial_ask(l->dial, TICKET_DATA, SPAN("DATA\r\n"));
}

void lane_ask(struct relay *r, struct lane *l)
{
    if (l->data_asked)
        return;
    for (size_t i = 0; i < r->t.count && l->is == LANE_OPEN; i++) {
        if (!lane_has(r, l, i) || r->t.rcpt[i].is != RCPT_WAITS)
            continue;
        enum fail fail = unfit(r, l, i);

        if (fail != FAIL_NOT) {
            refuse(r, l, i, fail);
            continue;
        }
        if (!may_ask(l) || (!l->mail_asked && !ask_mail(r, l)) || !may_ask(l))
            return;
        ask_rcpt(r, l, i);
    }
    ask_data(r, l);
}

void lane_data(struct relay *r, struct lane *l)
{
    if (l->is != LANE_OPEN || l->accepted == 0)
        return;
    if (!l->data_asked && !dial_ask(l->dial, TICKET_DATA, SPAN("DATA\r\n"))) {
        lane_lost(r, l, FAIL_PROTOCOL);
        return;
    }
    l->is = LANE_DATA;
    if (l->data_asked)
        lane_hear(r, l); /* the answer may be there */
}

/* First what will be true if nothing more is heard, then the end (DESIGN 8). */
void lane_end(struct relay *r, struct lane *l)
{
    if (l->is != LANE_BODY)
        return;
    lane_record(r, l, RECORD_INTENT, SPAN(""), FAIL_NOT);
    l->is = LANE_ENDING;
    if (!dial_end(l->dial, TICKET_END))
        lane_lost(r, l, FAIL_PROTOCOL);
}
