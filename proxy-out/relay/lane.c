/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/relay/lane.h"

#include <stdio.h>
#include <stdlib.h>

#include "proxy-out/relay/recall.h"

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

bool lane_has(const struct relay *r, const struct lane *l, size_t recipient)
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
    l->mail_asked = l->mail_ok = l->data_asked = false;
}

void lane_reset(struct lane *l)
{
    if (l->dial && !l->left) {
        bool quiet = l->is == LANE_OPEN && dial_waits(l->dial) == 0;

        leave(l, LANE_REST, !quiet ? LEFT_SPENT : l->mail_asked ? LEFT_OPEN : LEFT_CLEAN);
    }
    free(l->said);
    free(l->said_by);
    *l = (struct lane){.dial = l->dial, .remote = l->remote, .about = l->about, .left = l->left};
}

void lane_taken(struct lane *l)
{
    l->dial = NULL;
    l->remote = NULL;
    l->about = NULL;
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
        if (lane_has(r, l, i) && r->t.rcpt[i].is < RCPT_ACCEPTED)
            lane_refuse(r, l, i);
}

void lane_record(struct relay *r, struct lane *l, enum record_do what, struct span text,
                 enum fail fail)
{
    struct records_event e = {.what = what,
                              .domain = l->domain,
                              .reply = text,
                              .size = r->client.received,
                              .fail = fail,
                              .about = l->about};

    for (e.recipient = 0; e.recipient < r->t.count; e.recipient++)
        if (lane_has(r, l, e.recipient) && r->t.rcpt[e.recipient].is == RCPT_ACCEPTED)
            relay_record(r, l->remote, &e);
    if (r->conf.holds && what != RECORD_INTENT)
        l->row = ROW_FRESH;
}

bool lane_is_held(const struct lane *l)
{
    return l->row == ROW_FRESH || l->row == ROW_WAITS;
}

/* What is remembered is given out as an answer without a record of its own, so it must not be
 * before its record is safe. */
static void remember(struct relay *r, struct lane *l)
{
    char shown[SERVE_REPLY_MAX];

    if (recall_covers(r) && l->said && l->said[0] == '2' && l->said_fail == FAIL_NOT)
        recall_tell(r, l, relay_show(shown, span_of(l->said), l->said_by));
}

void lane_kept(struct relay *r, struct lane *l, bool kept)
{
    if (l->row != ROW_WAITS)
        return;
    l->row = kept ? ROW_NONE : ROW_LOST;
    if (kept)
        remember(r, l);
}

bool lane_is_sent(const struct relay *r, const struct lane *l)
{
    return l->dial->ending == 0 && buf_len(&l->dial->out) == 0 &&
           serve_body(&r->client).len == l->went;
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

        if (!lane_has(r, l, i) || to->is >= RCPT_ACCEPTED)
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
            l->again = l->kept;
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
        fail = lane_is_sent(r, l) ? FAIL_LOST_REPLY : FAIL_LOST_IN_DATA;
        what = RECORD_OUTCOME;
        break;
    case LANE_REST:
    case LANE_SEEKS:
    case LANE_OVER:
        return;
    }
    lane_record(r, l, what, fail_line(fail, text), fail);
    give_up(r, l, fail_line(fail, text), fail, LEFT_SPENT);
}

static void on_mail(struct relay *r, struct lane *l, const struct heard *h)
{
    if (h->code / 100 == 2) {
        l->mail_ok = true;
    } else if (h->code == 421 && l->kept) {
        lane_lost(r, l, FAIL_CLOSED); /* it had waited too long for us */
    } else if (h->code / 100 == 4 && l->kept) {
        /* It may take no more of one session (OpenSMTPD: 452 to the 101st message), and nothing is
         * lost yet: what the server says on a new one counts. */
        l->again = true;
        seek_next(r, l, LEFT_TIRED);
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
static void settle(struct relay *r, struct lane *l)
{
    if (l->asked > 0 || !l->mail_ok)
        return;
    for (size_t i = 0; i < r->t.count; i++) {
        struct recipient *to = &r->t.rcpt[i];

        if (!lane_has(r, l, i) || to->is != RCPT_HELD)
            continue;
        if (l->accepted == 0) {
            say(r, l, span_of(to->held), FAIL_NOT, l->remote);
            seek_next(r, l, l->data_asked ? LEFT_IN_DATA : LEFT_OPEN);
            return;
        }
        relay_refuse(r, i, span_of(to->held), FAIL_NOT, l->remote);
        free(to->held);
        to->held = NULL;
    }
    if (l->data_asked && l->accepted == 0)
        leave(l, LANE_REST, LEFT_IN_DATA);
}

static void on_rcpt(struct relay *r, struct lane *l, size_t recipient, const struct heard *h)
{
    struct recipient *to = &r->t.rcpt[recipient];

    if (h->code == 421 && l->kept && l->accepted == 0) {
        lane_lost(r, l, FAIL_CLOSED);
        return;
    }
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
    settle(r, l);
}

static void on_data(struct relay *r, struct lane *l, const struct heard *h)
{
    if (h->code == 354) {
        l->is = LANE_BODY;
        l->went = 0;
        if (r->t.eight_bit && !ehlo_has(&l->ehlo, EHLO_8BITMIME))
            r->eight_bit++;
    } else if (h->code / 100 == 4 || h->code / 100 == 5) {
        lane_record(r, l, RECORD_ROW, h->text, FAIL_NOT);
        give_up(r, l, h->text, FAIL_NOT, h->code == 421 ? LEFT_SPENT : LEFT_OPEN);
    } else {
        lane_lost(r, l, FAIL_PROTOCOL);
    }
}

/* It does not want the rest of the message, and says what its answer will be (RFC 5321, 4.2.5:
 * only who took it whole can say 250). We stop, and so it is not taken, whatever it was. */
static void on_early(struct relay *r, struct lane *l, const struct heard *h)
{
    if (h->code / 100 < 4) {
        lane_lost(r, l, FAIL_PROTOCOL);
        return;
    }
    lane_record(r, l, l->is == LANE_BODY ? RECORD_ROW : RECORD_OUTCOME, h->text, FAIL_NOT);
    give_up(r, l, h->text, FAIL_NOT, LEFT_SPENT);
}

static void on_end(struct relay *r, struct lane *l, const struct heard *h)
{
    if (!lane_is_sent(r, l)) {
        on_early(r, l, h);
    } else if (h->code / 100 == 3) {
        lane_lost(r, l, FAIL_PROTOCOL);
    } else {
        lane_record(r, l, RECORD_OUTCOME, h->text, FAIL_NOT);
        give_up(r, l, h->text, FAIL_NOT, h->code == 421 ? LEFT_SPENT : LEFT_CLEAN);
        if (!lane_is_held(l))
            remember(r, l);
    }
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

/* What comes next answers DATA, which the client is to ask first. */
static bool is_ahead(const struct lane *l)
{
    return l->is == LANE_OPEN && l->data_asked && l->asked == 0;
}

void lane_hear(struct relay *r, struct lane *l)
{
    struct heard h;
    int got;

    while (is_talking(l) && !is_ahead(l)) {
        bool early = l->is == LANE_BODY;

        if ((got = early ? dial_early(l->dial, &h) : dial_next(l->dial, &h)) == 0)
            return;
        if (got < 0)
            lane_lost(r, l, FAIL_PROTOCOL);
        else if (early)
            on_early(r, l, &h);
        else
            on_heard(r, l, &h);
    }
}
