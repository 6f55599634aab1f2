/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "acct/wanted.h"
#include "base/clock.h"
#include "keep/table.h"
#include "milter/facts.h"
#include "milter/message.h"
#include "tell/record.h"

static struct session s;

static int begin(void **state)
{
    (void)state;
    session_init(&s);
    s.id = (struct id){"S1"};
    snprintf(s.helo, sizeof s.helo, "client.test");
    snprintf(s.host, sizeof s.host, "mx.test");
    return addr_read_port(SPAN("192.0.2.7:4321"), &s.client) &&
                   addr_read_port(SPAN("[2001:db8::1]:587"), &s.server)
               ? 0
               : -1;
}

static int end(void **state)
{
    (void)state;
    session_clear(&s);
    return 0;
}

#define ARGUMENTS(...)    \
    (char *[])            \
    {                     \
        __VA_ARGS__, NULL \
    }

static void assert_line(struct span *lines, const char *key, const char *rcpt, const char *orcpt)
{
    struct record_memory *memory;
    struct record r;

    assert_true(record_read(span_cut(lines, '\n'), &r, &memory));
    assert_int_equal(r.what, RECORD_RECEIVED);
    assert_span(r.key, key);
    assert_span(r.id_host, "mx.test");
    assert_span(r.column[COLUMN_type], "r");
    assert_span(r.column[COLUMN_orig], "a@x.test");
    assert_span(r.column[COLUMN_rcpt], rcpt);
    assert_span(r.column[COLUMN_orcpt], orcpt);
    assert_span(r.column[COLUMN_envId], "e=1");
    assert_span(r.column[COLUMN_srcMta], "client.test (192.0.2.7)");
    assert_span(r.column[COLUMN_rcvSourceIp], "192.0.2.7");
    assert_span(r.column[COLUMN_rcvDestinationIp], "2001:db8::1");
    assert_span(r.column[COLUMN_queueId], "Q1");
    assert_span(r.column[COLUMN_sessionId], "S1");
    assert_span(r.column[COLUMN_srcType], "smtp");
    assert_span(r.column[COLUMN_vmta], "{default}");
    assert_span(r.column[COLUMN_rcvSmtpUser], "alice");
    assert_span(r.column[COLUMN_sourceRule], "192.0.2.0/24");
    assert_span(r.column[COLUMN_sourceReport], "require-auth");
    assert_span(r.column[COLUMN_rcvTlsProtocol], "TLSv1.3");
    assert_span(r.column[COLUMN_rcvTlsCipher], "CIPHER");
    assert_span(r.column[COLUMN_rcvTlsGroup], "GROUP");
    assert_span(r.column[COLUMN_rcvTlsVerify], "ok");
    assert_span(r.column[COLUMN_rcvTlsClientSubject], "CN=c");
    assert_span(r.column[COLUMN_rcvTlsClientFingerprint], "a1b2");
    assert_span(r.column[COLUMN_rcvTlsSni], "mx.test");
    record_forget(&memory);
}

static void each_recipient_has_a_record(void **state)
{
    struct recipient_at at = {.offset = 0};
    struct span lines;
    struct buf b;

    (void)state;
    s.secure = true;
    s.tls = (struct tls_facts){.protocol = "TLSv1.3",
                               .cipher = "CIPHER",
                               .group = "GROUP",
                               .verify = "ok",
                               .peer_subject = "CN=c",
                               .peer_fingerprint = "a1b2",
                               .sni = "mx.test"};
    snprintf(s.user, sizeof s.user, "alice");
    s.rule.head.title = "192.0.2.0/24";
    s.reported.rules = 1U << REPORT_require_auth;
    message_begin(&s.message, ARGUMENTS("<a@x.test>", "SIZE=10", "ENVID=e+3D1"));
    message_add(&s.message, ARGUMENTS("<b@y.test>", "ORCPT=rfc822;b+2Bc@y.test", "NOTIFY=NEVER"));
    message_add(&s.message, ARGUMENTS("c@y.test", "ORCPTX=no"));
    message_add(&s.message, ARGUMENTS("<\"d e\"@y.test>", "orcpt=+zz"));
    assert_int_equal(s.message.rcpts.count, 3);
    buf_init(&b, 1 << 20);
    assert_true(message_write(&s, "Q1", &at, &b));
    lines = buf_peek(&b);
    assert_line(&lines, "S1.1.1", "b@y.test", "rfc822;b+c@y.test");
    assert_line(&lines, "S1.1.2", "c@y.test", "");
    assert_line(&lines, "S1.1.3", "\"d e\"@y.test", "");
    assert_int_equal(lines.len, 0);
    assert_false(message_write(&s, "Q1", &at, &b));
    buf_clear(&b);

    /* The next message knows nothing of it. */
    message_begin(&s.message, ARGUMENTS("<>"));
    assert_int_equal(s.message.number, 2);
    assert_int_equal(s.message.rcpts.count, 0);
    assert_string_equal(s.message.sender, "");
    assert_string_equal(s.message.env_id, "");
}

static void many_recipients_come_in_pieces(void **state)
{
    enum { MANY = 100 };
    struct recipient_at at = {.offset = 0};
    unsigned lines = 0, pieces = 0;
    struct buf b;

    (void)state;
    message_begin(&s.message, ARGUMENTS("<a@x.test>"));
    for (int i = 0; i < MANY; i++) {
        char rcpt[32];

        snprintf(rcpt, sizeof rcpt, "<b%d@y.test>", i);
        message_add(&s.message, ARGUMENTS(rcpt));
    }
    buf_init(&b, RECORD_MAX);
    for (; message_write(&s, "Q1", &at, &b); pieces++) {
        struct span rest = buf_peek(&b);

        while (rest.len > 0) {
            struct record_memory *memory;
            struct record r;
            char rcpt[32];

            assert_true(record_read(span_cut(&rest, '\n'), &r, &memory));
            snprintf(rcpt, sizeof rcpt, "b%u@y.test", lines++);
            assert_span(r.column[COLUMN_rcpt], rcpt);
            record_forget(&memory);
        }
        buf_clear(&b);
    }
    assert_int_equal(lines, MANY);
    assert_true(pieces > 2);
}

static void too_many_are_counted(void **state)
{
    static char rcpt[1000];

    (void)state;
    memset(rcpt, 'x', sizeof rcpt - 1);
    message_begin(&s.message, ARGUMENTS("<a@x.test>"));
    for (int i = 0; i < 1000; i++)
        message_add(&s.message, ARGUMENTS(rcpt));
    assert_true(s.message.rcpts.count > 200);
    assert_int_equal(s.message.rcpts.count + s.message.rcpts.left_out, 1000);
}

/* The table says who is behind the connection; one that comes later or anew is found. */
static void the_table_knows_the_client(void **state)
{
    char folder[] = "/tmp/message.XXXXXX", path[64], why[256], rule[64] = "";
    struct table_key key = {.client = s.client, .server = s.server};
    struct table_entry e = {.session = {"IN7"}, .secure = true, .rule = "submission"};
    struct table *t;
    struct facts *f;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/" TABLE_NAME, folder);
    f = facts_open(path);
    assert_false(facts_find(f, &s, rule, sizeof rule));
    t = table_make(path, 1, 4, (gid_t)-1, why, sizeof why);
    assert_non_null(t);
    assert_false(facts_find(f, &s, rule, sizeof rule));
    assert_false(s.secure);
    assert_true(addr_read_port(SPAN("203.0.113.9:99"), &e.client));
    assert_true(addr_read_port(SPAN("203.0.113.1:25"), &e.listener));
    snprintf(e.tls.protocol, sizeof e.tls.protocol, "TLSv1.2");
    assert_true(table_put(t, 0, (struct table_key[]){key, key}, &e));
    assert_true(facts_find(f, &s, rule, sizeof rule));
    assert_true(s.secure);
    assert_string_equal(s.tls.protocol, "TLSv1.2");
    assert_string_equal(s.id.text, "IN7");
    assert_string_equal(rule, "submission");
    assert_true(addr_is_same(&s.client, &e.client));
    assert_true(addr_is_same(&s.server, &e.listener));
    table_close(&t);

    t = table_make(path, 1, 4, (gid_t)-1, why, sizeof why);
    assert_non_null(t);
    s.client = key.client;
    s.server = key.server;
    s.secure = false;
    assert_false(facts_find(f, &s, rule, sizeof rule));
    e.secure = false;
    s.tls = (struct tls_facts){.bits = 0};
    assert_true(table_put(t, 0, (struct table_key[]){key, key}, &e));
    assert_true(facts_find(f, &s, rule, sizeof rule));
    assert_false(s.secure);
    assert_string_equal(s.tls.protocol, "");
    facts_close(&f);
    table_close(&t);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

#define WITH_SESSION(test) cmocka_unit_test_setup_teardown(test, begin, end)

static void wanted_fields_are_in_the_record(void **state)
{
    static const struct wanted wanted = {.header = {SPAN("X-Job"), SPAN("Subject")},
                                         .header_count = 2};
    struct recipient_at at = {.offset = 0};
    struct record_memory *memory;
    struct record r;
    struct buf b;

    (void)state;
    for (int message = 0; message < 2; message++) {
        message_begin(&s.message, ARGUMENTS("<a@x.test>"));
        message_want(&s.message, &wanted);
        message_add(&s.message, ARGUMENTS("<b@y.test>"));
        if (message == 0) /* the second has none */
            header_field(&s.message.header, SPAN("x-job"), SPAN(" 7\n\t8"));
        buf_init(&b, RECORD_MAX);
        at = (struct recipient_at){.offset = 0};
        assert_true(message_write(&s, "Q1", &at, &b));
        assert_true(record_read(buf_peek(&b), &r, &memory));
        assert_int_equal(r.header_count, message == 0);
        assert_true(span_is(record_header(&r, SPAN("X-Job")), message == 0 ? "7 8" : ""));
        record_forget(&memory);
        buf_clear(&b);
        message_end(&s.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SESSION(each_recipient_has_a_record),    WITH_SESSION(wanted_fields_are_in_the_record),
        WITH_SESSION(many_recipients_come_in_pieces), WITH_SESSION(too_many_are_counted),
        WITH_SESSION(the_table_knows_the_client),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
