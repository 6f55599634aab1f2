/* SPDX-License-Identifier: Apache-2.0 */
#include "t/lib/accounts.h"

#include <stdio.h>

/* The guide's example of two types in one file. */
static const struct account_conf guide = {
    .records = LIST("d", "b"),
    FIELDS({"d", LIST("timeLogged", "orig", "rcpt", "dlvSourceIp")},
           {"b", LIST("timeLogged", "orig", "rcpt", "bounceCat")})};

/* The rows of PowerMTA's manual and of public dumps have these shapes. */
static struct record delivery(void)
{
    struct record r = {.at = 1549662845.9, .queued = 1549662843};

    r.column[COLUMN_type] = SPAN("d");
    r.column[COLUMN_orig] = SPAN("bounce+12=x@sender.test");
    r.column[COLUMN_rcpt] = SPAN("joe@example.test");
    r.column[COLUMN_dsnAction] = SPAN("relayed");
    r.column[COLUMN_dsnStatus] = SPAN("2.0.0 (success)");
    r.column[COLUMN_dsnDiag] = SPAN("smtp;250 2.0.0 Ok: queued as 4F2A");
    r.column[COLUMN_dsnMta] = SPAN("mx.example.test (192.0.2.25)");
    r.column[COLUMN_srcType] = SPAN("smtp");
    r.column[COLUMN_srcMta] = SPAN("client.test (192.0.2.1)");
    r.column[COLUMN_dlvType] = SPAN("smtp");
    r.column[COLUMN_dlvSourceIp] = SPAN("192.0.2.2");
    r.column[COLUMN_dlvDestinationIp] = SPAN("192.0.2.25");
    r.column[COLUMN_dlvEsmtpAvailable] = SPAN("8BITMIME,ENHANCEDSTATUSCODES,PIPELINING,STARTTLS");
    r.column[COLUMN_dlvSize] = SPAN("1234");
    r.column[COLUMN_vmta] = SPAN("{default}");
    r.column[COLUMN_queue] = SPAN("example.test/{default}");
    r.column[COLUMN_dlvTlsProtocol] = SPAN("TLSv1.2");
    r.column[COLUMN_dlvTlsCipher] = SPAN("ECDHE-RSA-AES256-GCM-SHA384");
    return r;
}

#define DELIVERY                                                                            \
    "d,2019-02-08 21:54:05+0000,2019-02-08 21:54:03+0000,bounce+12=x@sender.test,"          \
    "joe@example.test,,relayed,2.0.0 (success),smtp;250 2.0.0 Ok: queued as 4F2A,"          \
    "mx.example.test (192.0.2.25),,smtp,client.test (192.0.2.1),smtp,192.0.2.2,192.0.2.25," \
    "\"8BITMIME,ENHANCEDSTATUSCODES,PIPELINING,STARTTLS\",1234,{default},,,"                \
    "example.test/{default},"

static void a_row_is_powermtas(void **state)
{
    struct record r = delivery();
    struct account *a =
        account_made((struct account_conf){.records = LIST("d", "b"), .iso_times = true});

    (void)state;
    assert_is_row(a, &r, DELIVERY "\r\n");
    account_free(&a);
    a = account_made(
        (struct account_conf){.records = LIST("d", "b"),
                              .iso_times = true,
                              FIELDS({"d", LIST("*", "dlvTlsProtocol", "dlvTlsCipher")})});
    assert_is_row(a, &r, DELIVERY ",TLSv1.2,ECDHE-RSA-AES256-GCM-SHA384\r\n");
    account_free(&a);
}

static void each_row_has_its_times(void **state)
{
    struct record r = delivery();
    struct account *a = account_made((struct account_conf){
        .records = LIST("d"), .iso_times = true, FIELDS({"d", LIST("timeLogged", "timeQueued")})});

    (void)state;
    assert_is_row(a, &r, "d,2019-02-08 21:54:05+0000,2019-02-08 21:54:03+0000\r\n");
    r.at += 1;
    assert_is_row(a, &r, "d,2019-02-08 21:54:06+0000,2019-02-08 21:54:03+0000\r\n");
    r.queued -= 3;
    assert_is_row(a, &r, "d,2019-02-08 21:54:06+0000,2019-02-08 21:54:00+0000\r\n");
    account_free(&a);
}

static void what_a_type_does_not_select_is_empty(void **state)
{
    struct record r = delivery();
    struct account *a = account_made(guide);

    (void)state;
    r.column[COLUMN_bounceCat] = SPAN("bad-mailbox");
    assert_is_row(a, &r, "d,1549662845,bounce+12=x@sender.test,joe@example.test,192.0.2.2,\r\n");
    r.column[COLUMN_type] = SPAN("b");
    assert_is_row(a, &r, "b,1549662845,bounce+12=x@sender.test,joe@example.test,,bad-mailbox\r\n");
    r.column[COLUMN_type] = SPAN("t");
    assert_is_row(a, &r, "");
    r.column[COLUMN_type] = SPAN("delivery");
    assert_is_row(a, &r, "");
    r.column[COLUMN_type] = SPAN("");
    assert_is_row(a, &r, "");
    account_free(&a);
}

static void the_users_string_is_in_its_column(void **state)
{
    struct record r = delivery();
    struct account *a =
        account_made((struct account_conf){.records = LIST("d"),
                                           .user_string = "node \"7\", left\n",
                                           FIELDS({"d", LIST("userString", "timeQueued")})});

    (void)state;
    r.column[COLUMN_userString] = SPAN("forged");
    r.queued = 0;
    assert_is_row(a, &r, "d,\"node \"\"7\"\", left?\",\r\n");
    account_free(&a);
}

/* clang-format off */
static const struct {
    const char *name;
    struct span value;
    const char *csv, *guarded, *json;
} cells[] = {
    {"plain", SPAN("250 ok"), "250 ok", "250 ok", "250 ok"},
    {"empty", SPAN(""), "", "", ""},
    {"comma", SPAN("a,b"), "\"a,b\"", "\"a,b\"", "a,b"},
    {"quote", SPAN("say \"hi\""), "\"say \"\"hi\"\"\"", "\"say \"\"hi\"\"\"", "say \\\"hi\\\""},
    {"only quotes", SPAN("\"\""), "\"\"\"\"\"\"", "\"\"\"\"\"\"", "\\\"\\\""},
    {"backslash", SPAN("a\\n\\"), "a\\n\\", "a\\n\\", "a\\\\n\\\\"},
    {"a second row", SPAN("x\r\nd,forged"), "\"x\?\?d,forged\"", "\"x\?\?d,forged\"", "x\?\?d,forged"},
    {"a bare LF", SPAN("x\nd"), "x?d", "x?d", "x?d"},
    {"NUL and escape", SPAN("a\0b\x1b[2J\x7f"), "a?b?[2J?", "a?b?[2J?", "a?b?[2J?"},
    {"UTF-8", SPAN("j\xc3\xbcrgen"), "j\xc3\xbcrgen", "j\xc3\xbcrgen", "j\xc3\xbcrgen"},
    {"no UTF-8", SPAN("j\xfcrgen"), "j?rgen", "j?rgen", "j?rgen"},
    {"UTF-8 cut off", SPAN("j\xc3"), "j?", "j?", "j?"},
    {"C1", SPAN("a\xc2\x85z"), "a?z", "a?z", "a?z"},
    {"formula =", SPAN("=1+1"), "=1+1", "'=1+1", "=1+1"},
    {"formula + in quotes", SPAN("+a,b"), "\"+a,b\"", "\"'+a,b\"", "+a,b"},
    {"formula -", SPAN("-1"), "-1", "'-1", "-1"},
    {"formula @", SPAN("@x"), "@x", "'@x", "@x"},
    {"formula in wide signs", SPAN("\xef\xbc\x9d" "1"), "\xef\xbc\x9d" "1", "'\xef\xbc\x9d" "1", "\xef\xbc\x9d" "1"},
    {"formula behind a semicolon", SPAN("a;=1;;@b;c"), "a;=1;;@b;c", "a;'=1;;'@b;c", "a;=1;;@b;c"},
    {"and a blank or a quote", SPAN(" =1; \"=1"), "\" =1; \"\"=1\"", "\"' =1;' \"\"=1\"", " =1; \\\"=1"},
    {"formula behind a tab", SPAN("\t=1"), "?=1", "?=1", "?=1"},
};
/* clang-format on */

/* The value stands in a column of ours and in a header field. */
static void assert_cells(struct account *a, struct span value, const char *row, const char *name)
{
    struct record r = {.at = 1};
    struct buf b;

    r.column[COLUMN_type] = SPAN("d");
    r.column[COLUMN_orig] = value;
    record_add_header(&r, SPAN("x-campaign"), value);
    buf_init(&b, 4096);
    assert_true(account_row(a, &b, &r));
    assert_row(span_is(buf_peek(&b), row), name);
    buf_clear(&b);
}

static void cells_are_clean_and_quoted(void **state)
{
    struct account_conf conf = {.records = LIST("d"),
                                FIELDS({"d", LIST("orig", "header_X-Campaign")})};
    struct account *plain = account_made(conf), *guarded, *json;

    (void)state;
    conf.guard = true;
    guarded = account_made(conf);
    conf.guard = false;
    conf.json = true;
    json = account_made(conf);
    for (size_t i = 0; i < COUNT_OF(cells); i++) {
        char row[256];

        snprintf(row, sizeof row, "d,%s,%s\r\n", cells[i].csv, cells[i].csv);
        assert_cells(plain, cells[i].value, row, cells[i].name);
        snprintf(row, sizeof row, "d,%s,%s\r\n", cells[i].guarded, cells[i].guarded);
        assert_cells(guarded, cells[i].value, row, cells[i].name);
        snprintf(row, sizeof row, "{\"type\":\"d\",\"orig\":\"%s\",\"header_X-Campaign\":\"%s\"}\n",
                 cells[i].json, cells[i].json);
        assert_cells(json, cells[i].value, row, cells[i].name);
    }
    account_free(&plain);
    account_free(&guarded);
    account_free(&json);
}

static void json_has_its_types_columns_in_order(void **state)
{
    struct account_conf conf = guide;
    struct record r = delivery();
    struct account *a;

    (void)state;
    conf.json = conf.iso_times = true;
    a = account_made(conf);
    r.column[COLUMN_dlvSourceIp] = SPAN("");
    assert_is_row(a, &r,
                  "{\"type\":\"d\",\"timeLogged\":\"2019-02-08 21:54:05+0000\","
                  "\"orig\":\"bounce+12=x@sender.test\",\"rcpt\":\"joe@example.test\","
                  "\"dlvSourceIp\":\"\"}\n");
    r.column[COLUMN_type] = SPAN("b");
    assert_is_row(a, &r,
                  "{\"type\":\"b\",\"timeLogged\":\"2019-02-08 21:54:05+0000\","
                  "\"orig\":\"bounce+12=x@sender.test\",\"rcpt\":\"joe@example.test\","
                  "\"bounceCat\":\"\"}\n");
    account_free(&a);
}

static void a_disabled_record_has_no_row(void **state)
{
    struct account *a = account_made(guide);
    struct record r = delivery();

    (void)state;
    r.disabled = true;
    assert_is_row(a, &r, "");
    account_free(&a);
}

static void queues_are_filtered(void **state)
{
    static const char *const types[] = {"d", "b", "t", "tq"};
    struct record r = delivery();
    struct account *a = account_made(
        (struct account_conf){.records = LIST("d", "b", "t", "tq", "r"),
                              .queue_filter = LIST("!example.test/*", "example.*/*"),
                              FIELDS({"d", LIST("rcpt")}, {"b", LIST("rcpt")}, {"t", LIST("rcpt")},
                                     {"tq", LIST("rcpt")}, {"r", LIST("rcpt")})});

    (void)state;
    assert_is_row(a, &r, "");
    r.column[COLUMN_queue] = SPAN("example.org/{default}");
    assert_is_row(a, &r, "d,joe@example.test\r\n");
    r.column[COLUMN_queue] = SPAN("other.test/{default}");
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        r.column[COLUMN_type] = span_of(types[i]);
        assert_is_row(a, &r, "");
    }
    /* It has no queue. */
    r.column[COLUMN_queue] = SPAN("");
    r.column[COLUMN_type] = SPAN("r");
    assert_is_row(a, &r, "r,joe@example.test\r\n");
    account_free(&a);
}

static void assert_whole_or_not_there(struct account_conf conf, struct record *r, const char *row)
{
    struct account *a = account_made(conf);
    size_t len = strlen(row);

    for (size_t room = 0; room <= 3 * len; room++) {
        struct buf b;
        bool fits;

        buf_init(&b, room);
        fits = account_row(a, &b, r);
        assert_int_equal(buf_len(&b), fits ? len : 0);
        assert_true(fits || room < 3 * len);
        assert_true(room >= len || !fits);
        buf_clear(&b);
    }
    account_free(&a);
}

static void a_row_is_whole_or_not_there(void **state)
{
    struct account_conf json = {.records = LIST("d"), .json = true, FIELDS({"d", LIST("jobId")})};
    struct record r = delivery();

    (void)state;
    assert_whole_or_not_there(
        guide, &r, "d,1549662845,bounce+12=x@sender.test,joe@example.test,192.0.2.2,\r\n");
    assert_whole_or_not_there(json, &r, "{\"type\":\"d\",\"jobId\":\"\"}\n");
}

static void the_longest_row_fits(void **state)
{
    static char quotes[RECORD_MAX];
    struct record r = {.at = 1};
    struct account *a = account_made((struct account_conf){.records = LIST("d")});
    struct buf b;

    (void)state;
    memset(quotes, '"', sizeof quotes);
    for (int i = 0; i < COLUMN_COUNT; i++)
        r.column[i] = (struct span){quotes, sizeof quotes};
    r.column[COLUMN_type] = SPAN("d");
    buf_init(&b, 1 << 20);
    assert_true(account_row(a, &b, &r));
    assert_true(buf_len(&b) > 20 * 2 * sizeof quotes);
    buf_clear(&b);
    account_free(&a);
}

/* An original recipient that comes from a header field is hidden as others are. */
static void a_mapped_recipient_is_hidden(void **state)
{
    struct account *a =
        account_made((struct account_conf){.records = LIST("d"),
                                           .mappings = LIST("d header_X-To orcpt"),
                                           .privacy = LIST("redact", "X"),
                                           FIELDS({"d", LIST("orcpt", "dsnDiag")})});
    struct record r = delivery();

    (void)state;
    r.column[COLUMN_dsnDiag] = SPAN("for jane");
    record_add_header(&r, SPAN("X-To"), SPAN("jane@y.test"));
    assert_is_row(a, &r, "d,X@y.test,for X\r\n");
    account_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_powermtas),
        cmocka_unit_test(each_row_has_its_times),
        cmocka_unit_test(what_a_type_does_not_select_is_empty),
        cmocka_unit_test(the_users_string_is_in_its_column),
        cmocka_unit_test(cells_are_clean_and_quoted),
        cmocka_unit_test(json_has_its_types_columns_in_order),
        cmocka_unit_test(a_disabled_record_has_no_row),
        cmocka_unit_test(a_mapped_recipient_is_hidden),
        cmocka_unit_test(queues_are_filtered),
        cmocka_unit_test(a_row_is_whole_or_not_there),
        cmocka_unit_test(the_longest_row_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
