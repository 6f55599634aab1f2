/* SPDX-License-Identifier: Apache-2.0 */
#include "receipt.h"

#include "base/text.h"
#include "smtp/reply.h"
#include "smtp/xtext.h"
#include "tell/received.h"
#include "user.h"

enum { LINES_MAX = 8 * RECORD_MAX };

/* What all recipients have in common; `memory` is where made texts are. */
struct memory {
    char src[600], from_ip[ADDR_TEXT], to_ip[ADDR_TEXT], key[RECORD_KEY_MAX];
    struct tls_facts tls;
    char reported[REPORT_TEXT], env_id[ENVELOPE_PARTY + 1], orcpt[ENVELOPE_PARTY + 1];
};

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

static void common_columns(struct record *r, const struct relay *relay, struct memory *m)
{
    struct party sender = envelope_sender(&relay->envelope);

    addr_text(&relay->who, m->from_ip);
    addr_text(&relay->where, m->to_ip);
    r->column[COLUMN_type] = SPAN("r");
    r->column[COLUMN_orig] = sender.mailbox;
    r->column[COLUMN_envId] = plain(sender.label, m->env_id);
    received_source(r, relay->helo ? relay->helo : "", m->from_ip, m->src, sizeof m->src);
    r->column[COLUMN_rcvSourceIp] = span_of(m->from_ip);
    r->column[COLUMN_rcvDestinationIp] = span_of(m->to_ip);
    r->column[COLUMN_rcvSmtpUser] = user_name(relay);
    r->column[COLUMN_vmta] = SPAN("{default}");
    r->column[COLUMN_sourceRule] = span_of(relay->rule.head.title);
    r->column[COLUMN_sourceReport] = span_of(report_text(relay->reported.rules, m->reported));
    r->column[COLUMN_queueId] = reply_queue_id(relay->final.text);
    r->column[COLUMN_sessionId] = span_of(relay->session);
    r->id_host = span_of(relay->name ? relay->name : "");
    if (relay->tls)
        received_tls(r, facts_of(relay->tls, &m->tls));
    if (relay->header)
        header_members(r, relay->header);
}

static bool flush(struct spool *to, struct buf *lines)
{
    bool well = buf_len(lines) == 0 || spool_append(to, buf_peek(lines));

    buf_clear(lines);
    return well;
}

bool receipt_spool(struct spool *to, const struct relay *relay, double now)
{
    struct record r = {.what = RECORD_RECEIVED, .at = now};
    struct memory m;
    struct party rcpt;
    struct buf lines;
    unsigned count = 0;
    size_t at = 0;
    bool well = true;

    for (size_t c = 0; c < COLUMN_COUNT; c++)
        r.column[c] = SPAN("");
    common_columns(&r, relay, &m);
    buf_init(&lines, LINES_MAX);
    while (envelope_next(&relay->envelope, &at, &rcpt)) {
        r.key = record_key(m.key, relay->session, relay->messages, ++count);
        r.column[COLUMN_rcpt] = rcpt.mailbox;
        r.column[COLUMN_orcpt] = plain(rcpt.label, m.orcpt);
        if (buf_room(&lines) < RECORD_MAX)
            well = flush(to, &lines) && well;
        well = record_write(&lines, &r) && well;
    }
    return flush(to, &lines) && well;
}
