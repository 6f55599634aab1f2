/* SPDX-License-Identifier: Apache-2.0 */
#include "receipt.h"

#include <stdlib.h>

#include "base/text.h"
#include "smtp/reply.h"
#include "smtp/xtext.h"
#include "tell/received.h"
#include "user.h"

enum { LINES_MAX = 8 * RECORD_MAX }; /* bytes, as the next ones */

/* What a session's records say alike, as it is written; and what that was made of. What needs more
 * is not remembered. */
enum { MADE_OF = 256, ALIKE = 1024, PLACES = 128 };

struct alike {
    unsigned short made_len, len; /* 0: nothing is here */
    char made_of[MADE_OF], text[ALIKE];
};

struct receipts {
    struct spool *to; /* borrowed */
    struct alike place[PLACES];
};

/* Where texts are that are made for a record: for what is alike, and for the message. */
struct memory {
    char src[600], from_ip[ADDR_TEXT], to_ip[ADDR_TEXT], reported[REPORT_TEXT];
    struct tls_facts tls;
    char key[RECORD_KEY_MAX], env_id[ENVELOPE_PARTY + 1], orcpt[ENVELOPE_PARTY + 1];
};

struct receipts *receipts_new(struct spool *to)
{
    struct receipts *r = calloc(1, sizeof *r);

    if (r)
        r->to = to;
    return r;
}

void receipts_free(struct receipts **r)
{
    free(*r);
    *r = NULL;
}

static struct span helo_of(const struct relay *relay)
{
    return span_of(relay->helo ? relay->helo : "");
}

static char *append(char *to, const void *from, size_t len)
{
    return (char *)memcpy(to, from, len) + len;
}

/* All that alike_columns() looks at, as bytes: where they are the same, so is what it sets. A
 * session's id stands for its addresses, which never change, and then the pointer for what is known
 * of its TLS, which begins once. Whoever adds a column there adds here what it is from. How many
 * bytes; 0: too much. */
static size_t made_of(const struct relay *relay, char to[MADE_OF])
{
    const struct span texts[] = {span_of(relay->session), helo_of(relay), user_name(relay),
                                 span_of(relay->rule.head.title)};
    char *at = append(append(to, &relay->reported.rules, sizeof relay->reported.rules), &relay->tls,
                      sizeof relay->tls);

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (texts[i].len >= (size_t)(to + MADE_OF - at))
            return 0;
        at = append(at, texts[i].at, texts[i].len);
        *at++ = '\0'; /* which none of them has */
    }
    return (size_t)(at - to);
}

static void alike_columns(struct record *r, const struct relay *relay, struct memory *m)
{
    addr_text(&relay->who, m->from_ip);
    addr_text(&relay->where, m->to_ip);
    r->column[COLUMN_type] = SPAN("r");
    received_source(r, helo_of(relay).at, m->from_ip, m->src, sizeof m->src);
    r->column[COLUMN_rcvSourceIp] = span_of(m->from_ip);
    r->column[COLUMN_rcvDestinationIp] = span_of(m->to_ip);
    r->column[COLUMN_rcvSmtpUser] = user_name(relay);
    r->column[COLUMN_vmta] = SPAN("{default}");
    r->column[COLUMN_sourceRule] = span_of(relay->rule.head.title);
    r->column[COLUMN_sourceReport] = span_of(report_text(relay->reported.rules, m->reported));
    r->column[COLUMN_sessionId] = span_of(relay->session);
    if (relay->tls)
        received_tls(r, facts_of(relay->tls, &m->tls));
}

static void write_alike(struct alike *here, struct span made, const struct relay *relay,
                        struct memory *m)
{
    struct record r = {.what = RECORD_RECEIVED};
    struct buf text;

    here->made_len = here->len = 0;
    alike_columns(&r, relay, m);
    buf_init(&text, ALIKE);
    if (record_columns(&text, &r)) {
        here->made_len = (unsigned short)made.len;
        here->len = (unsigned short)buf_len(&text);
        memcpy(here->made_of, made.at, made.len);
        memcpy(here->text, buf_peek(&text).at, here->len);
    }
    buf_clear(&text);
}

/* Sessions that began one after another have places of their own: the last digits of an id count
 * up, in base 36 (base/id.h). */
static struct alike *place_of(struct receipts *to, const char *session)
{
    size_t len = strlen(session), number = 0;

    for (size_t i = len > 2 ? len - 2 : 0; i < len; i++)
        number =
            number * 36 + (size_t)(session[i] <= '9' ? session[i] - '0' : session[i] - 'A' + 10);
    return &to->place[number % PLACES];
}

/* A session with many messages finds it written: 3,100 of 7,500 instructions of a record. */
static void set_alike(struct record *r, struct receipts *to, const struct relay *relay,
                      struct memory *m)
{
    struct alike *here = place_of(to, relay->session);
    char made_now[MADE_OF];
    struct span made = {made_now, made_of(relay, made_now)};

    if (made.len > 0 && !span_same(made, (struct span){here->made_of, here->made_len}))
        write_alike(here, made, relay, m);
    if (made.len > 0 && here->len > 0)
        r->written = (struct span){here->text, here->len};
    else
        alike_columns(r, relay, m);
}

/* Of ENVID or ORCPT, decoded; what is no xtext stays as it is, as in records of deliveries. */
static struct span plain(struct span label, char to[ENVELOPE_PARTY + 1])
{
    size_t len = xtext_read(to, ENVELOPE_PARTY + 1, label);

    return len == (size_t)-1 ? label : (struct span){to, len};
}

static void header_members(struct record *r, struct header *h)
{
    header_end(h);
    for (size_t i = 0; i < h->count; i++)
        if (header_value(h, i))
            record_add_header(r, h->wanted[i], span_of(header_value(h, i)));
}

static void message_columns(struct record *r, const struct relay *relay, struct memory *m)
{
    struct party sender = envelope_sender(&relay->envelope);

    r->column[COLUMN_orig] = sender.mailbox;
    r->column[COLUMN_envId] = plain(sender.label, m->env_id);
    r->column[COLUMN_queueId] = reply_queue_id(relay->final.text);
    r->id_host = span_of(relay->name ? relay->name : "");
    if (relay->header)
        header_members(r, relay->header);
}

static bool flush(struct spool *to, struct buf *lines)
{
    bool well = buf_len(lines) == 0 || spool_append(to, buf_peek(lines));

    buf_clear(lines);
    return well;
}

bool receipt_spool(struct receipts *to, const struct relay *relay, double now)
{
    struct record r = {.what = RECORD_RECEIVED, .at = now};
    struct memory m;
    struct party rcpt;
    struct buf lines;
    unsigned count = 0;
    size_t at = 0;
    bool well = true;

    set_alike(&r, to, relay, &m);
    message_columns(&r, relay, &m);
    buf_init(&lines, LINES_MAX);
    while (envelope_next(&relay->envelope, &at, &rcpt)) {
        r.key = record_key(m.key, relay->session, relay->messages, ++count);
        r.column[COLUMN_rcpt] = rcpt.mailbox;
        r.column[COLUMN_orcpt] = plain(rcpt.label, m.orcpt);
        if (buf_room(&lines) < RECORD_MAX)
            well = flush(to->to, &lines) && well;
        well = record_write(&lines, &r) && well;
    }
    return flush(to->to, &lines) && well;
}
