/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/relay/relay.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "proxy-out/relay/recall.h"
#include "proxy-out/relay/requests.h"
#include "smtp/reply.h"

enum { LINES_MAX = RECORD_MAX * (TRANSACTION_RCPTS + 16), NOTES_MAX = 1 << 20 };

static void greet(struct relay *r)
{
    char text[512];
    const struct relay_conf *c = &r->conf;
    int len = c->refused ? snprintf(text, sizeof text, "554 5.7.1 %s takes no mail %s\r\n",
                                    c->host_name, c->refused)
                         : snprintf(text, sizeof text,
                                    c->lmtp ? RELAY_GREETING_LMTP : RELAY_GREETING, c->host_name);

    serve_answer(&r->client, 0, (struct span){text, (size_t)len});
}

void relay_init(struct relay *r, const struct relay_conf *conf)
{
    *r = (struct relay){.conf = *conf};
    r->conf.mta.name = r->mta_name;
    serve_init(&r->client, conf->lmtp ? SERVE_LMTP : SERVE_MTA, false, DOT_NORMALIZE);
    received_init(&r->received);
    buf_init(&r->lines, LINES_MAX);
    buf_init(&r->notes, NOTES_MAX);
    greet(r);
}

static void drop_lanes(struct relay *r)
{
    while (r->lanes > 0)
        free(r->lane[--r->lanes]);
}

struct lane *relay_add_lane(struct relay *r)
{
    struct lane *l = r->lanes < RELAY_LANES ? calloc(1, sizeof *l) : NULL;

    if (l)
        r->lane[r->lanes++] = l;
    return l;
}

/* Nothing is wanted of any lane, and no upstream is held. */
static bool is_idle(const struct relay *r)
{
    for (unsigned i = 0; i < r->lanes; i++)
        if (r->lane[i]->dial)
            return false;
    return !r->t.open;
}

void relay_clear(struct relay *r)
{
    for (unsigned i = 0; i < r->lanes; i++)
        lane_reset(r->lane[i]);
    drop_lanes(r);
    transaction_end(&r->t);
    received_clear(&r->received);
    buf_clear(&r->lines);
    buf_clear(&r->notes);
    free(r->later_arg);
    r->later_arg = NULL;
    serve_clear(&r->client);
}

void relay_end_transaction(struct relay *r)
{
    recall_settle(r);
    for (unsigned i = 0; i < r->lanes; i++)
        lane_reset(r->lane[i]);
    transaction_end(&r->t);
    r->spare += r->reserved;
    r->reserved = 0;
    r->from = (struct xforward){.ident = ""};
    r->message = RELAY_NO_MESSAGE;
    received_clear(&r->received);
    received_init(&r->received);
    r->looked = 0;
    r->told = 0;
    r->recall = RECALL_OVER;
}

struct span relay_show(char to[SERVE_REPLY_MAX], struct span text, const struct remote *by)
{
    char where[DNS_NAME + ADDR_TEXT + 8];
    struct buf with;

    if (text.len > SERVE_REPLY_MAX)
        text = SPAN("451 4.5.0 The server's answer is too long\r\n");
    buf_init(&with, SERVE_REPLY_MAX);
    if (by && by->at.port) {
        size_t len = strlen(by->name);

        memcpy(where, by->name, len);
        if (len > 0)
            where[len++] = ' ';
        addr_text(&by->at, where + len);
        if (reply_append(&with, text, span_of(where)))
            text = buf_peek(&with);
    }
    memcpy(to, text.at, text.len);
    buf_clear(&with);
    for (size_t i = 0; i + 3 < text.len; i++)
        if ((i == 0 || to[i - 1] == '\n') && !memcmp(to + i, "421", 3))
            memcpy(to + i, "451", 3);
    return (struct span){to, text.len};
}

static void count(struct relay *r, char digit)
{
    r->delivered += digit == '2';
    r->deferred += digit == '4';
    r->bounced += digit == '5';
}

void relay_record(struct relay *r, const struct remote *by, const struct records_event *e)
{
    if (e->what != RECORD_INTENT && e->reply.len > 0)
        count(r, e->reply.at[0]);
    if (!r->conf.unrecorded && !records_add(&r->lines, &r->conf.mta, &r->t, by, e))
        r->broken = true;
}

void relay_accept(struct relay *r, size_t recipient, struct span text, const struct remote *by)
{
    struct recipient *to = &r->t.rcpt[recipient];
    char shown[SERVE_REPLY_MAX];

    to->is = RCPT_ACCEPTED;
    serve_answer(&r->client, to->ticket, relay_show(shown, text, by));
}

void relay_refuse(struct relay *r, size_t recipient, struct span text, enum fail fail,
                  const struct remote *by)
{
    struct recipient *to = &r->t.rcpt[recipient];
    char shown[SERVE_REPLY_MAX];
    struct records_event e = {.what = RECORD_ROW,
                              .recipient = recipient,
                              .domain = r->lane[to->lane]->domain,
                              .reply = text,
                              .fail = fail};

    to->is = RCPT_REFUSED;
    relay_record(r, by, &e);
    serve_answer(&r->client, to->ticket, relay_show(shown, text, by));
}

static bool any_lane(const struct relay *r, enum lane_is is)
{
    for (unsigned i = 0; i < r->lanes; i++)
        if (r->lane[i]->is == is)
            return true;
    return false;
}

void relay_look(struct relay *r)
{
    struct span body = serve_body(&r->client);
    struct span more = span_after(body, r->looked < body.len ? r->looked : body.len);

    if (r->conf.ids.received && !r->t.queue_id[0] && r->received.is == RECEIVED_LOOKS &&
        more.len > 0)
        received_feed(&r->received, more);
    if (r->t.header)
        header_feed(r->t.header, more);
    if (recall_covers(r))
        r->crc = crc32c(r->crc, more);
    r->looked = body.len;
}

bool relay_has_open(const struct relay *r)
{
    for (size_t i = 0; i < r->t.count; i++)
        if (r->t.rcpt[i].is < RCPT_ACCEPTED)
            return true;
    return false;
}

/* A lane's last word, as the client sees it. */
static struct span word_of(char shown[SERVE_REPLY_MAX], const struct lane *l)
{
    if (l->row == ROW_LOST)
        return SPAN("451 4.3.0 The record of it did not reach the disk\r\n");
    if (!l->said)
        return SPAN("451 4.3.0 No answer\r\n");
    return relay_show(shown, span_of(l->said), l->said_by);
}

/* The lane that has recipients in the message; NULL: several have. */
static const struct lane *only_lane(const struct relay *r)
{
    const struct lane *only = NULL;

    for (unsigned i = 0; i < r->lanes; i++) {
        if (r->lane[i]->accepted == 0)
            continue;
        if (only)
            return NULL;
        only = r->lane[i];
    }
    return only;
}

/* All have answered DATA. Of several servers that refuse it each has its own word for its own
 * recipients, and those can only be said behind the message. */
static void tell_data(struct relay *r)
{
    const struct lane *only = only_lane(r);
    char shown[SERVE_REPLY_MAX];

    if (only && lane_is_held(only))
        return;
    if (!only || only->is == LANE_BODY || recall_any(r)) {
        r->message = RELAY_HEARS;
        r->broken = !transaction_wants(&r->t, r->conf.headers, r->conf.header_count) || r->broken;
        r->looked = 0;
        r->crc = 0;
        serve_answer(&r->client, r->data_ticket, SPAN("354 End data with <CR><LF>.<CR><LF>\r\n"));
        return;
    }
    struct span word = word_of(shown, only);

    relay_end_transaction(r);
    serve_answer(&r->client, r->data_ticket, word);
}

static size_t next_accepted(const struct relay *r, size_t from)
{
    while (from < r->t.count && r->t.rcpt[from].is != RCPT_ACCEPTED &&
           r->t.rcpt[from].is != RCPT_REMEMBERED)
        from++;
    return from;
}

/* What became of the message: over LMTP for each recipient in their order, as far as it is known
 * (RFC 2033, 4.2); over SMTP once. */
static void tell_end(struct relay *r)
{
    char shown[SERVE_REPLY_MAX];

    for (;;) {
        size_t at = next_accepted(r, r->told);
        const struct lane *l = r->lane[r->t.rcpt[at].lane];
        bool last = !r->conf.lmtp || next_accepted(r, at + 1) == r->t.count;
        bool recalled = r->t.rcpt[at].is == RCPT_REMEMBERED;
        struct span word;

        if (!recalled && (l->is != LANE_OVER || lane_is_held(l)))
            return;
        word = recalled ? recall_word(r, at, shown) : word_of(shown, l);
        if (last) {
            relay_end_transaction(r);
            serve_answer(&r->client, r->end_ticket, word);
            return;
        }
        if (!serve_answer_part(&r->client, r->end_ticket, word))
            return;
        r->told = at + 1;
    }
}

/* What the lanes have come to, told to the client when it is due. */
static void tell_client(struct relay *r)
{
    if (r->message == RELAY_ASKED_DATA && !any_lane(r, LANE_DATA))
        tell_data(r);
    else if (r->message == RELAY_ENDING)
        tell_end(r);
}

/* The front of the message that every upstream has. */
static void drop_body(struct relay *r)
{
    size_t least = serve_body(&r->client).len;

    for (unsigned i = 0; i < r->lanes; i++)
        if ((r->lane[i]->is == LANE_BODY || r->lane[i]->is == LANE_ENDING) &&
            r->lane[i]->went < least)
            least = r->lane[i]->went;
    if (least == 0)
        return;
    serve_body_drop(&r->client, least);
    for (unsigned i = 0; i < r->lanes; i++)
        r->lane[i]->went -= r->lane[i]->went < least ? r->lane[i]->went : least;
    r->looked -= r->looked < least ? r->looked : least;
}

enum relay_wish relay_turn(struct relay *r)
{
    if (is_idle(r))
        drop_lanes(r);
    for (unsigned i = 0; i < r->lanes; i++)
        lane_hear(r, r->lane[i]);
    tell_client(r);
    requests_take(r);
    for (unsigned i = 0; i < r->lanes; i++)
        lane_ask(r, r->lane[i]);
    tell_client(r);
    if (r->message == RELAY_HEARS) {
        relay_look(r);
        drop_body(r);
    }
    if (r->broken)
        return RELAY_CUT;
    return r->quit || serve_is_over(&r->client) ? RELAY_END : RELAY_WAIT;
}

void relay_say_goodbye(struct relay *r, struct span text)
{
    serve_end(&r->client, text);
    r->quit = true;
}

bool relay_holds_back(const struct relay *r)
{
    if (r->quit || serve_is_over(&r->client))
        return false;
    if (r->recall != RECALL_OVER)
        return true;
    return r->t.count > 0 && r->t.rcpt[0].is < RCPT_ACCEPTED && any_lane(r, LANE_OPEN) &&
           !any_lane(r, LANE_SEEKS);
}

static struct span body_for(const struct relay *r, const struct lane *l)
{
    if (l->is != LANE_BODY && l->is != LANE_ENDING)
        return SPAN("");
    return span_after(serve_body(&r->client), l->went);
}

size_t relay_pieces(const struct relay *r, unsigned lane, struct span out[DIAL_PIECES])
{
    const struct lane *l = r->lane[lane];

    return l->dial && !l->left ? dial_pieces(l->dial, body_for(r, l), out) : 0;
}

void relay_went(struct relay *r, unsigned lane, size_t count)
{
    struct lane *l = r->lane[lane];

    l->went += dial_went(l->dial, body_for(r, l), count);
    drop_body(r);
}

static bool any_piece(const struct relay *r)
{
    struct span pieces[DIAL_PIECES];

    for (unsigned i = 0; i < r->lanes; i++)
        if (relay_pieces(r, i, pieces) > 0)
            return true;
    return false;
}

static bool any_held(const struct relay *r)
{
    for (unsigned i = 0; i < r->lanes; i++)
        if (lane_is_held(r->lane[i]))
            return true;
    return false;
}

enum relay_awaits relay_awaits(const struct relay *r)
{
    switch (r->message) {
    case RELAY_ENDING:
        return any_lane(r, LANE_ENDING) ? AWAITS_SERVERS
               : any_held(r)            ? AWAITS_DISK
                                        : AWAITS_COMMAND;
    case RELAY_HEARS:
        return any_piece(r) ? AWAITS_SERVERS : AWAITS_MESSAGE;
    case RELAY_ASKED_DATA:
        return any_lane(r, LANE_DATA) || !any_held(r) ? AWAITS_SERVERS : AWAITS_DISK;
    case RELAY_NO_MESSAGE:
        break;
    }
    return relay_has_open(r) ? AWAITS_SERVERS : AWAITS_COMMAND;
}
