/* SPDX-License-Identifier: Apache-2.0
 *
 * The records of a session with many messages: each says what held when it came.
 */
#include "t/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "proxy-in/receipt.h"
#include "t/lib/spooled.h"
#include "tell/record.h"

static const struct relay_house house = {.host_name = "mx.test", .accounts = true};
static struct facts_kept *facts;
static char long_name[400], longer_name[600];

/* What may change between two messages, and where it is to be seen. */
/* clang-format off */
static const struct now {
    const char *name, *session, *helo, *user, *rule, *host;
    unsigned reported;
    bool tls;
    enum column column;
    const char *says;
} steps[] = {
    {"a first message", "S00000A", "c.test", NULL, "0/0", "mta", 0, false, COLUMN_srcMta, "c.test (192.0.2.7)"},
    {"the same again", "S00000A", "c.test", NULL, "0/0", "mta", 0, false, COLUMN_srcMta, "c.test (192.0.2.7)"},
    {"another name", "S00000A", "d.test", NULL, "0/0", "mta", 0, false, COLUMN_srcMta, "d.test (192.0.2.7)"},
    {"TLS", "S00000A", "d.test", NULL, "0/0", "mta", 0, true, COLUMN_rcvTlsProtocol, "TLSv1.3"},
    {"a user", "S00000A", "d.test", "alice", "0/0", "mta", 0, true, COLUMN_rcvSmtpUser, "alice"},
    {"another rule", "S00000A", "d.test", "alice", "users", "mta", 0, true, COLUMN_sourceRule, "users"},
    {"something is reported", "S00000A", "d.test", "alice", "users", "mta", 1U << REPORT_require_auth, true,
     COLUMN_sourceReport, "require-auth"},
    {"another server", "S00000A", "d.test", "alice", "users", "mtb", 1U << REPORT_require_auth, true,
     COLUMN_sourceReport, "require-auth"},
    {"a session in the same place", "S00003U", "c.test", NULL, "0/0", "mta", 0, false, COLUMN_sessionId, "S00003U"},
    {"the one before", "S00000A", "c.test", NULL, "0/0", "mta", 0, false, COLUMN_sessionId, "S00000A"},
    {"a name and a user that join alike", "S00000A", "ab", "c", "0/0", "mta", 0, false, COLUMN_rcvSmtpUser, "c"},
    {"and otherwise", "S00000A", "a", "bc", "0/0", "mta", 0, false, COLUMN_rcvSmtpUser, "bc"},
    {"a name with a quote", "S00000A", "a\"b", NULL, "0/0", "mta", 0, false, COLUMN_srcMta, "a\"b (192.0.2.7)"},
    {"too long to be remembered", "S00000A", long_name, NULL, "0/0", "mta", 0, false, COLUMN_rcvSourceIp, "192.0.2.7"},
    {"as much as a record takes", "S00000A", longer_name, NULL, "0/0", "mta", 0, false, COLUMN_rcvSourceIp, "192.0.2.7"},
    {"no name", "S00000A", NULL, NULL, "0/0", "mta", 0, false, COLUMN_srcMta, "(192.0.2.7)"},
    {"a short id", "S", "c.test", NULL, "0/0", NULL, 0, false, COLUMN_sessionId, "S"},
};
/* clang-format on */

static void accept(struct relay *r, const char *from, const char *to)
{
    struct party sender = {span_of(from), SPAN("")}, rcpt = {span_of(to), SPAN("rfc822;x")};

    assert_true(envelope_ask(&r->envelope, &sender) && envelope_ask(&r->envelope, &rcpt) &&
                envelope_mail(&r->envelope, true) && envelope_rcpt(&r->envelope, true));
}

static void become(struct relay *r, const struct now *now)
{
    static struct source rule;
    struct addr who, where;

    assert_true(addr_read_port(SPAN("192.0.2.7:1"), &who) &&
                addr_read_port(SPAN("198.51.100.1:25"), &where));
    relay_init(r, &house, &rule, &who, &where, now->session);
    r->helo = now->helo ? strdup(now->helo) : NULL;
    r->user = now->user ? strdup(now->user) : NULL;
    r->name = now->host ? strdup(now->host) : NULL;
    r->authenticated = now->user != NULL;
    r->rule.head.title = now->rule;
    r->reported.rules = now->reported;
    r->tls = now->tls ? facts : NULL;
    r->messages = 3;
    r->final = (struct heard){.code = 250, .text = SPAN("250 2.0.0 Ok: queued as Q1\r\n")};
}

/* The last line that was written, as it is read; `*line` is what it points into. */
static struct record last(struct buf *line, struct record_memory **memory)
{
    struct span all, rest;
    struct record r;

    buf_clear(line);
    assert_true(read_last(1, line));
    for (all = rest = buf_peek(line); rest.len > 0;)
        all = span_cut(&rest, '\n');
    assert_true(record_read(all, &r, memory));
    return r;
}

static void assert_alike(const struct record *a, const struct record *b, const char *name)
{
    for (int c = 0; c < COLUMN_COUNT; c++)
        assert_row(span_same(a->column[c], b->column[c]), name);
    assert_row(span_same(a->id_host, b->id_host) && span_same(a->key, b->key), name);
}

/* What is remembered of a session never shows in a record for which something else holds: each is
 * as one that was written without memory. */
static void each_says_what_holds(void **state)
{
    struct spool *s = opened("received");
    struct receipts *remembers = receipts_new(s);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct receipts *fresh = receipts_new(s);
        const char *from = i % 2 ? "a@a.test" : "", *host = steps[i].host ? steps[i].host : "";
        struct record_memory *memory[2];
        struct record got, want;
        struct buf line[2];
        struct relay r;

        become(&r, &steps[i]);
        accept(&r, from, "b@b.test");
        buf_init(&line[0], 1 << 20);
        buf_init(&line[1], 1 << 20);
        assert_true(receipt_spool(remembers, &r, 1e9));
        got = last(&line[0], &memory[0]);
        assert_true(receipt_spool(fresh, &r, 1e9));
        want = last(&line[1], &memory[1]);
        assert_alike(&got, &want, steps[i].name);
        assert_row(span_is(got.column[steps[i].column], steps[i].says), steps[i].name);
        assert_span(got.column[COLUMN_type], "r");
        assert_span(got.column[COLUMN_orig], from);
        assert_span(got.column[COLUMN_rcpt], "b@b.test");
        assert_span(got.column[COLUMN_orcpt], "rfc822;x");
        assert_span(got.column[COLUMN_queueId], "Q1");
        assert_span(got.id_host, host);
        record_forget(&memory[0]);
        record_forget(&memory[1]);
        buf_clear(&line[0]);
        buf_clear(&line[1]);
        relay_clear(&r);
        receipts_free(&fresh);
    }
    receipts_free(&remembers);
    spool_close(&s);
}

static int make_texts(void **state)
{
    struct tls_facts tls = {.bits = 128};

    snprintf(tls.protocol, sizeof tls.protocol, "TLSv1.3");
    facts = facts_keep(&tls);
    memset(long_name, 'l', sizeof long_name - 1);
    memset(longer_name, 'l', sizeof longer_name - 1);
    return facts ? make_folder(state) : -1;
}

static int forget_texts(void **state)
{
    free(facts);
    return remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_says_what_holds, make_texts, forget_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
