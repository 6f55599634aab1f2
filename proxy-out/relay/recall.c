/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/relay/recall.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

/* Seconds until an outcome that is awaited is known, or never will be: the longest
 * smtp-data-termination-timeout, and what its server took to read the rest. */
enum { AWAITED_MOST = 660 };

bool recall_covers(const struct relay *r)
{
    return r->conf.remember > 0 && r->t.id_is_sure;
}

bool recall_is_due(const struct relay *r)
{
    return recall_covers(r) &&
           (!r->conf.may_know || r->conf.may_know(r->conf.hints, span_of(r->t.queue_id)));
}

void recall_answered(struct relay *r, struct sent *all)
{
    sent_free(&r->t.sent);
    r->t.sent = all;
    r->recall = RECALL_OVER;
    serve_answer(&r->client, r->mail_ticket, SPAN("250 2.1.0 Ok\r\n"));
}

void recall_failed(struct relay *r)
{
    relay_end_transaction(r);
    serve_answer(&r->client, r->mail_ticket,
                 SPAN("451 4.3.2 What was sent cannot be recalled\r\n"));
}

bool recall_any(const struct relay *r)
{
    for (size_t i = 0; i < r->t.count; i++)
        if (r->t.rcpt[i].is == RCPT_REMEMBERED)
            return true;
    return false;
}

static bool any_other(const struct relay *r, size_t but)
{
    for (size_t i = 0; i < r->t.count; i++)
        if (i != but && r->t.rcpt[i].is != RCPT_REMEMBERED && r->t.rcpt[i].is != RCPT_REFUSED)
            return true;
    return false;
}

enum recall_found recall_rcpt(struct relay *r, size_t recipient)
{
    struct recipient *to = &r->t.rcpt[recipient];

    if (!r->t.sent)
        return RECALL_NONE;
    to->sent = sent_find(r->t.sent, r->t.sender, to->address);
    if (to->sent && to->sent->awaited > 0) {
        if (clock_now() < to->sent->awaited) {
            r->awaited++;
            return RECALL_AWAITED;
        }
        to->sent = NULL;
    }
    if (!to->sent)
        return recall_any(r) && !r->conf.lmtp ? RECALL_APART : RECALL_NONE;
    if (any_other(r, recipient) && !r->conf.lmtp)
        return RECALL_APART;
    to->is = RCPT_REMEMBERED;
    serve_answer(&r->client, to->ticket, SPAN("250 2.1.5 Ok, remembered\r\n"));
    return RECALL_HIT;
}

static struct note *new_note(enum note_kind kind, struct span key, struct span value)
{
    struct note *n = malloc(sizeof *n + key.len + value.len);

    if (!n)
        return NULL;
    *n =
        (struct note){.kind = kind, .key_len = (uint32_t)key.len, .value_len = (uint32_t)value.len};
    memcpy(n->bytes, key.at, key.len);
    if (value.len > 0)
        memcpy(n->bytes + key.len, value.at, value.len);
    return n;
}

/* Without memory for it, it is not remembered: the window of RFC 1047 stays open. */
static void tell(struct relay *r, struct note *n, double until)
{
    if (!n)
        return;
    n->until = until;
    if (!buf_add(&r->notes, (struct span){(const char *)n, note_size(n)}))
        r->untold++;
    free(n);
}

static const char *word_of(struct relay *r, size_t recipient)
{
    const struct sent *was = r->t.rcpt[recipient].sent;
    char key[SENT_KEY + 2] = "";

    if (was->size == r->client.received && was->crc == r->crc) {
        r->remembered++;
        return was->reply;
    }
    r->forgotten++;
    memcpy(key, was->key, was->key_len);
    tell(r, new_note(NOTE_HEARD, (struct span){key, was->key_len + 2}, SPAN("")), 0);
    return "451 4.3.0 This is not the message that was sent before";
}

/* SMTP has one reply for all: one that is not the same spoils it. */
struct span recall_word(struct relay *r, size_t recipient, char to[SERVE_REPLY_MAX])
{
    const char *word = word_of(r, recipient);

    for (size_t i = recipient + 1; i < r->t.count && !r->conf.lmtp; i++) {
        const char *one = r->t.rcpt[i].is == RCPT_REMEMBERED ? word_of(r, i) : word;

        if (one[0] != '2')
            word = one;
    }
    return (struct span){to, (size_t)snprintf(to, SERVE_REPLY_MAX, "%s\r\n", word)};
}

static unsigned lane_number(const struct relay *r, const struct lane *l)
{
    unsigned i = 0;

    while (i < r->lanes && r->lane[i] != l)
        i++;
    return i;
}

/* As many recipients from `*from` on as one value takes; how many there were. */
static size_t fill(const struct relay *r, const struct lane *l, size_t *from, struct buf *value)
{
    size_t told = 0;

    for (; *from < r->t.count; ++*from) {
        const struct recipient *to = &r->t.rcpt[*from];

        if (to->is != RCPT_ACCEPTED || r->lane[to->lane] != l)
            continue;
        if (!sent_add(value, to->address))
            break;
        told++;
    }
    return told;
}

/* The key of an entry. */
static struct span key_of(const struct relay *r, const struct lane *l, unsigned part,
                          char to[SENT_KEY])
{
    int len = snprintf(to, SENT_KEY, "%s%c%s.%u.%u.%u", r->t.queue_id, '\0',
                       r->conf.mta.session.text, r->t.number, lane_number(r, l), part);

    return (struct span){to, (size_t)len};
}

/* In the store it stays as long as an outcome would: there what ends first has to go first. */
static double until_when(const struct relay *r, enum note_kind kind)
{
    double lasts = (double)r->conf.remember;

    return clock_now() + (kind == NOTE_AWAITED && lasts < AWAITED_MOST ? AWAITED_MOST : lasts);
}

static bool begin(const struct relay *r, enum note_kind kind, struct span reply, struct buf *value)
{
    return kind == NOTE_AWAITED
               ? sent_await(value, (uint32_t)clock_now() + AWAITED_MOST, r->t.sender)
               : sent_begin(value, r->client.received, r->crc, r->t.sender, reply);
}

/* The lane's recipients, in as many entries as it takes; how many. */
static unsigned tell_entries(struct relay *r, const struct lane *l, enum note_kind kind,
                             struct span reply)
{
    unsigned part = 0;
    size_t from = 0;

    while (recall_covers(r) && from < r->t.count) {
        char name[SENT_KEY];
        struct buf value;

        buf_init(&value, SENT_MAX);
        if (begin(r, kind, reply, &value) && fill(r, l, &from, &value) > 0)
            tell(r, new_note(kind, key_of(r, l, part++, name), buf_peek(&value)),
                 until_when(r, kind));
        else
            from = r->t.count;
        buf_clear(&value);
    }
    return part;
}

void recall_tell(struct relay *r, struct lane *l, struct span reply)
{
    l->told = tell_entries(r, l, NOTE_SENT, reply);
}

void recall_left(struct relay *r)
{
    for (unsigned i = 0; r->message == RELAY_ENDING && i < r->lanes; i++)
        if (r->lane[i]->is == LANE_ENDING && r->lane[i]->awaited == 0)
            r->lane[i]->awaited = tell_entries(r, r->lane[i], NOTE_AWAITED, SPAN(""));
}

void recall_settle(struct relay *r)
{
    for (unsigned i = 0; i < r->lanes; i++)
        for (unsigned part = r->lane[i]->told; part < r->lane[i]->awaited; part++) {
            char name[SENT_KEY + 2] = "";
            struct span key = key_of(r, r->lane[i], part, name);

            memset(name + key.len, 0, 2);
            tell(r, new_note(NOTE_HEARD, (struct span){name, key.len + 2}, SPAN("")), 0);
        }
}
