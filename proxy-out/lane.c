/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/lane.h"

#include <stdio.h>
#include <stdlib.h>

#include "proxy-out/relay.h"

/* Our tickets with an upstream. The greeting's was 0. */
enum { TICKET_MAIL = 1, TICKET_DATA, TICKET_END, TICKET_RCPT };

static struct span fail_line(enum fail fail, char to[256])
{
    return (struct span){to, (size_t)snprintf(to, 256, "%s\r\n", fail_reply(fail))};
}

/* Keeps the last word that counts, and who said it. */
static void say(struct relay *r, struct lane *l, struct span text, enum fail fail,
                const struct remote *by)
{
    free(l->said);
    free(l->said_by);
    l->said = strndup(text.at, text.len);
    l->said_fail = fail;
    l->said_by = by ? malloc(sizeof *by) : NULL;
    if (l->said_by)
        *l->said_by = *by;
    r->broken = r->broken || !l->said || (by && !l->said_by);
}

static bool is_ours(const struct relay *r, const struct lane *l, size_t recipient)
{
    return r->lane[r->t.rcpt[recipient].lane] == l;
}

/* No longer this upstream's: it goes, in the state that it is in. */
static void leave(struct lane *l, enum lane_is is, enum lane_left left)
{
    l->is = is;
    l->left = l->dial ? left : LEFT_NOT;
    l->went = 0;
    l->asked = 0;
    l->mail_asked = l->mail_ok = false;
}

void lane_reset(struct lane *l)
{
    if (l->dial && !l->left) {
        bool quiet = l->is == LANE_OPEN && dial_waits(l->dial) == 0;

        leave(l, LANE_REST, !quiet ? LEFT_SPENT : l->mail_asked ? LEFT_OPEN : LEFT_CLEAN);
    }
    free(l->said);
    free(l->said_by);
    *l = (struct lane){.dial = l->dial, .remote = l->remote, .left = l->left};
}

void lane_taken(struct lane *l)
{
    l->dial = NULL;
    l->remote = NULL;
    l->left = LEFT_NOT;
}

void lane_refuse(struct relay *r, struct lane *l, size_t recipient)
{
    relay_refuse(r, recipient, span_of(l->said ? l->said : "451 4.3.0 Out of memory\r\n"),
                 l->said_fail, l->said_by);
}

/* All that were not answered yet get the last word. */
static void refuse_open(struct relay *r, struct lane *l)
{
    for (size_t i = 0; i < r->t.count; i++)
        if (is_ours(r, l, i) && r->t.rcpt[i].is < RCPT_ACCEPTED)
            lane_refuse(r, l, i);
}

/* The same word for all that were accepted: what became of the message. */
static void record_accepted(struct relay *r, struct lane *l, enum record_do what, struct span text,
                            enum fail fail, const struct remote *by)
{
    struct records_event e = {
        .what = what, .domain = l->domain, .reply = text, .size = r->client.received, .fail = fail};

    for (e.recipient = 0; e.recipient < r->t.count; e.recipient++)
        if (is_ours(r, l, e.recipient) && r->t.rcpt[e.recipient].is == RCPT_ACCEPTED)
            relay_record(r, by, &e);
}

void lane_opened(struct relay *r, struct lane *l, struct dial *dial, const struct ehlo *ehlo,
                 const struct remote *remote, bool more, bool kept)
{
    (void)r;
    l->is = LANE_OPEN;
    l->left = LEFT_NOT;
    l->dial = dial;
    l->ehlo = *ehlo;
    l->remote = remote;
    l->more = more;
    l->kept = kept;
}

void lane_failed(struct relay *r, struct lane *l, enum fail fail, const struct remote *remote)
{
    char text[256];

    /* What a server really said tells more than that the next one was not there. */
    if (!l->said)
        say(r, l, fail_line(fail, text), fail, remote);
    l->is = LANE_OVER;
    refuse_open(r, l);
}

/* Another server, please: for those who have no answer yet. */
static void seek_next(struct relay *r, struct lane *l, enum lane_left left)
{
    bool any = false;

    leave(l, LANE_REST, left);
    for (size_t i = 0; i < r->t.count; i++) {
        struct recipient *to = &r->t.rcpt[i];

        if (!is_ours(r, l, i) || to->is >= RCPT_ACCEPTED)
            continue;
        to->is = RCPT_WAITS;
        free(to->held);
        to->held = NULL;
        any = true;
    }
    if (any)
        l->is = LANE_SEEKS;
}

/* No recipient may go elsewhere any more: `text` is the answer, whatever is asked. */
static void give_up(struct relay *r, struct lane *l, struct span text, enum fail fail,
                    enum lane_left left)
{
    say(r, l, text, fail, l->remote);
    refuse_open(r, l);
    leave(l, LANE_OVER, left);
}

void lane_lost(struct relay *r, struct lane *l, enum fail fail)
{
    enum record_do what = RECORD_ROW;
    char text[256];

    switch (l->is) {
    case LANE_OPEN:
        if (l->accepted == 0) {
            l->again = l->kept && !l->mail_ok;
            /* Of the last server this is the reason, and not that there is none after it. */
            if (!l->more && !l->again && !l->said)
                say(r, l, fail_line(fail, text), fail, l->remote);
            seek_next(r, l, LEFT_SPENT);
            return;
        }
        break;
    case LANE_DATA:
        break;
    case LANE_BODY:
        fail = FAIL_LOST_IN_DATA;
        break;
    case LANE_ENDING:
        fail = FAIL_LOST_REPLY;
        what = RECORD_OUTCOME;
        break;
    case LANE_REST:
    case LANE_SEEKS:
    case LANE_OVER:
        return;
    }
    record_accepted(r, l, what, fail_line(fail, text), fail, l->remote);
    give_up(r, l, fail_line(fail, text), fail, LEFT_SPENT);
}

static void on_mail(struct relay *r, struct lane *l, const struct heard *h)
{
    if (h->code / 100 == 2) {
        l->mail_ok = true;
    } else if (h->code == 421 && l->kept) {
        lane_lost(r, l, FAIL_CLOSED); /* it had waited too long for us */
    } else if (h->code / 100 == 4 && l->more) {
        say(r, l, h->text, FAIL_NOT, l->remote);
        seek_next(r, l, LEFT_SPENT);
    } else if (h->code / 100 == 3) {
        lane_lost(r, l, FAIL_PROTOCOL);
    } else {
        give_up(r, l, h->text, FAIL_NOT, LEFT_SPENT);
    }
}

/* Answers are in for all that were asked. Those that were held go to the next server if nobody
 * was accepted here; else they are answers. */
static void settle_held(struct relay *r, struct lane *l)
{
    if (l->asked > 0 || !l->mail_ok)
        return;
    for (size_t i = 0; i < r->t.count; i++) {
        struct recipient *to = &r->t.rcpt[i];

        if (!is_ours(r, l, i) || to->is != RCPT_HELD)
            continue;
        if (l->accepted == 0) {
            say(r, l, span_of(to->held), FAIL_NOT, l->remote);
            seek_next(r, l, LEFT_OPEN);
            return;
        }
        relay_refuse(r, i, span_of(to->held), FAIL_NOT, l->remote);
        free(to->held);
        to->held = NULL;
    }
}

static void on_rcpt(struct relay *r, struct lane *l, size_t recipient, const struct heard *h)
{
    struct recipient *to = &r->t.rcpt[recipient];

    l->asked--;
    switch (h->code / 100) {
    case 2:
        l->accepted++;
        relay_accept(r, recipient, h->text, l->remote);
        break;
    case 4:
        if (l->more && l->accepted == 0 && (to->held = strndup(h->text.at, h->text.len)))
            to->is = RCPT_HELD;
        else
            relay_refuse(r, recipient, h->text, FAIL_NOT, l->remote);
        break;
    case 5:
        relay_refuse(r, recipient, h->text, FAIL_NOT, l->remote);
        break;
    default:
        lane_lost(r, l, FAIL_PROTOCOL);
        return;
    }
    settle_held(r, l);
}

static void on_data(struct relay *r, struct lane *l, const struct heard *h)
{
    if (h->code == 354) {
        l->is = LANE_BODY;
        l->went = 0;
        if (r->t.eight_bit && !ehlo_has(&l->ehlo, EHLO_8BITMIME))
            r->eight_bit++;
    } else if (h->code / 100 == 4 || h->code / 100 == 5) {
        record_accepted(r, l, RECORD_ROW, h->text, FAIL_NOT, l->remote);
        give_up(r, l, h->text, FAIL_NOT, h->code == 421 ? LEFT_SPENT : LEFT_OPEN);
    } else {
        lane_lost(r, l, FAIL_PROTOCOL);
    }
}

static bool is_all_sent(const struct relay *r, const struct lane *l)
{
    return l->dial->ending == 0 && buf_len(&l->dial->out) == 0 &&
           serve_body(&r->client).len == l->went;
}

/* A 3xx, or an answer to what was not all said, is none: the message is not taken. */
static void on_end(struct relay *r, struct lane *l, const struct heard *h)
{
    if (h->code / 100 == 3 || !is_all_sent(r, l)) {
        lane_lost(r, l, FAIL_PROTOCOL);
        return;
    }
    record_accepted(r, l, RECORD_OUTCOME, h->text, FAIL_NOT, l->remote);
    give_up(r, l, h->text, FAIL_NOT, h->code == 421 ? LEFT_SPENT : LEFT_CLEAN);
}

static void on_heard(struct relay *r, struct lane *l, const struct heard *h)
{
    switch (h->ticket) {
    case TICKET_MAIL:
        on_mail(r, l, h);
        return;
    case TICKET_DATA:
        on_data(r, l, h);
        return;
    case TICKET_END:
        on_end(r, l, h);
        return;
    default:
        on_rcpt(r, l, h->ticket - TICKET_RCPT, h);
    }
}

static bool is_talking(const struct lane *l)
{
    return l->is >= LANE_OPEN && l->is < LANE_OVER;
}

void lane_hear(struct relay *r, struct lane *l)
{
    struct heard h;
    int got;

    while (is_talking(l) && (got = dial_next(l->dial, &h)) != 0) {
        if (got < 0)
            lane_lost(r, l, FAIL_PROTOCOL);
        else
            on_heard(r, l, &h);
    }
}

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
    }
    buf_clear(&line);
}

/* May something be asked before the last answer is in (RFC 2920)? */
static bool may_ask(const struct lane *l)
{
    return dial_has_room(l->dial, TRANSACTION_LINE) &&
           (dial_waits(l->dial) == 0 || ehlo_has(&l->ehlo, EHLO_PIPELINING));
}

void lane_ask(struct relay *r, struct lane *l)
{
    char text[256];

    for (size_t i = 0; i < r->t.count && l->is == LANE_OPEN; i++) {
        if (!is_ours(r, l, i) || r->t.rcpt[i].is != RCPT_WAITS)
            continue;
        if (!ehlo_has(&l->ehlo, EHLO_SMTPUTF8) && transaction_needs_utf8(&r->t, &r->t.rcpt[i])) {
            relay_refuse(r, i, fail_line(FAIL_SMTPUTF8, text), FAIL_SMTPUTF8, l->remote);
            continue;
        }
        if (!may_ask(l) || (!l->mail_asked && !ask_mail(r, l)) || !may_ask(l))
            return;
        ask_rcpt(r, l, i);
    }
}

void lane_data(struct relay *r, struct lane *l)
{
    if (l->is != LANE_OPEN || l->accepted == 0)
        return;
    if (dial_ask(l->dial, TICKET_DATA, SPAN("DATA\r\n")))
        l->is = LANE_DATA;
    else
        lane_lost(r, l, FAIL_PROTOCOL);
}

/* First what will be true if nothing more is heard, then the end (DESIGN 8). */
void lane_end(struct relay *r, struct lane *l)
{
    if (l->is != LANE_BODY)
        return;
    record_accepted(r, l, RECORD_INTENT, SPAN(RECORDS_UNKNOWN), FAIL_NOT, l->remote);
    l->is = LANE_ENDING;
    if (!dial_end(l->dial, TICKET_END))
        lane_lost(r, l, FAIL_PROTOCOL);
}
