/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/message.h"

#include <stdio.h>

#include "acct/wanted.h"
#include "base/clock.h"
#include "base/text.h"
#include "smtp/xtext.h"
#include "tell/received.h"

/* All recipients of a message: more than mail servers take at once. */
enum { RCPTS_MAX = 256 << 10 };

void session_init(struct session *s)
{
    *s = (struct session){.secure = false};
    buf_init(&s->message.rcpts.list, RCPTS_MAX);
}

void session_reached(struct session *s, const char *at, const char *port)
{
    unsigned long number = 0;
    struct span ip = span_of(at);

    if (span_starts_nocase(ip, "IPv6:"))
        ip = span_after(ip, 5);
    s->server = (struct addr){.port = 0};
    if (addr_read(ip, &s->server) && text_number(span_of(port), 65535, &number))
        s->server.port = (uint16_t)number;
}

void session_clear(struct session *s)
{
    header_clear(&s->message.header);
    buf_clear(&s->message.rcpts.list);
}

static struct span strip(const char *path)
{
    struct span s = span_of(path);

    if (s.len >= 2 && s.at[0] == '<' && s.at[s.len - 1] == '>')
        s = (struct span){s.at + 1, s.len - 2};
    return s;
}

/* The decoded value of one parameter; "" if it is not there or is no xtext. */
static void find_parameter(char **arguments, const char *name, char *to, size_t size)
{
    size_t len = strlen(name);

    to[0] = '\0';
    for (; *arguments; arguments++) {
        struct span value = span_of(*arguments);

        if (!span_starts_nocase(value, name) || value.len <= len || value.at[len] != '=')
            continue;
        if (xtext_read(to, size, span_after(value, len + 1)) == (size_t)-1)
            to[0] = '\0';
        return;
    }
}

void message_begin(struct message *m, char **arguments)
{
    message_end(m);
    m->number++;
    text_copy(m->sender, sizeof m->sender, arguments[0] ? strip(arguments[0]) : SPAN(""));
    find_parameter(arguments, "ENVID", m->env_id, sizeof m->env_id);
}

void message_add(struct message *m, char **arguments)
{
    struct recipients *r = &m->rcpts;
    struct span mailbox = arguments[0] ? strip(arguments[0]) : SPAN("");
    char label[1024];

    find_parameter(arguments, "ORCPT", label, sizeof label);
    if (buf_addf(&r->list, "%.*s%c%s%c", SPAN_ARG(mailbox), '\0', label, '\0'))
        r->count++;
    else
        r->left_out++;
}

void message_want(struct message *m, const struct wanted *w)
{
    header_clear(&m->header);
    header_init(&m->header, w->header, w->header_count);
}

void message_end(struct message *m)
{
    header_clear(&m->header);
    m->sender[0] = m->env_id[0] = '\0';
    buf_clear(&m->rcpts.list);
    m->rcpts.count = m->rcpts.left_out = 0;
    m->no_room = false;
}

/* What all recipients have in common. The texts are the caller's, for as long as the record. */
struct texts_of {
    char client[ADDR_TEXT], server[ADDR_TEXT], source[256 + ADDR_TEXT + 4];
    char reported[REPORT_TEXT];
};

static void describe(const struct session *s, const char *queue_id, struct texts_of *texts,
                     struct record *r)
{
    addr_text(&s->client, texts->client);
    addr_text(&s->server, texts->server);
    *r = (struct record){.what = RECORD_RECEIVED, .at = clock_now()};
    r->id_host = span_of(s->host);
    r->column[COLUMN_type] = SPAN("r");
    r->column[COLUMN_orig] = span_of(s->message.sender);
    received_source(r, s->helo, texts->client, texts->source, sizeof texts->source);
    r->column[COLUMN_rcvSourceIp] = span_of(texts->client);
    if (s->server.port != 0)
        r->column[COLUMN_rcvDestinationIp] = span_of(texts->server);
    r->column[COLUMN_vmta] = SPAN("{default}");
    r->column[COLUMN_envId] = span_of(s->message.env_id);
    r->column[COLUMN_rcvSmtpUser] = span_of(s->user);
    r->column[COLUMN_sourceRule] = span_of(s->rule.head.title ? s->rule.head.title : "");
    r->column[COLUMN_sourceReport] = span_of(report_text(s->reported.rules, texts->reported));
    r->column[COLUMN_queueId] = span_of(queue_id);
    r->column[COLUMN_sessionId] = span_of(s->id.text);
    for (size_t i = 0; i < s->message.header.count; i++)
        if (header_value(&s->message.header, i))
            record_add_header(r, s->message.header.wanted[i],
                              span_of(header_value(&s->message.header, i)));
    if (s->secure)
        received_tls(r, &s->tls);
}

bool message_write(const struct session *s, const char *queue_id, struct recipient_at *at,
                   struct buf *to)
{
    struct span all = buf_peek(&s->message.rcpts.list), rest = span_after(all, at->offset);
    struct texts_of texts;
    struct record r;

    if (rest.len == 0)
        return false;
    describe(s, queue_id, &texts, &r);
    while (rest.len > 0) {
        char key[RECORD_KEY_MAX];

        r.column[COLUMN_rcpt] = span_cut(&rest, '\0');
        r.column[COLUMN_orcpt] = span_cut(&rest, '\0');
        r.key = record_key(key, s->id.text, s->message.number, at->number + 1);
        if (!record_write(to, &r))
            return buf_len(to) > 0; /* the rest next time */
        at->number++;
        at->offset = all.len - rest.len;
    }
    return true;
}
