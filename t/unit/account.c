/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/unit.h"

#include <stdio.h>

#include "acct/account.h"

#define STAR                                                                                    \
    "type,timeLogged,timeQueued,orig,rcpt,orcpt,dsnAction,dsnStatus,dsnDiag,dsnMta,bounceCat,"  \
    "srcType,srcMta,dlvType,dlvSourceIp,dlvDestinationIp,dlvEsmtpAvailable,dlvSize,vmta,jobId," \
    "envId,queue,vmtaPool"
#define STAR_R                                                                                   \
    "type,timeLogged,orig,rcpt,orcpt,srcType,srcMta,rcvSourceIp,rcvDestinationIp,vmta,vmtaPool," \
    "jobId,envId"

static char why[256];

#define LIST(...)                                                                                  \
    {                                                                                              \
        (const char *const[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *) \
    }
#define FIELDS(...)                                         \
    .fields = (const struct account_fields[]){__VA_ARGS__}, \
    .fields_count =                                         \
        sizeof((const struct account_fields[]){__VA_ARGS__}) / sizeof(struct account_fields)

static struct account *made(struct account_conf conf)
{
    struct account *a;

    conf.user_string = conf.user_string ? conf.user_string : "";
    a = account_new(&conf, why, sizeof why);
    if (!a)
        fail_msg("%s", why);
    return a;
}

/* clang-format off */
static const struct {
    const char *name, *header;
    struct account_conf conf;
} headers[] = {
    {"the 23 of PowerMTA", STAR "\r\n", {.records = LIST("d", "b")}},
    {"t has them too", STAR "\r\n", {.records = LIST("t")}},
    {"a receipt's", STAR_R "\r\n", {.records = LIST("r")}},
    {"the guide's example", "type,timeLogged,orig,rcpt,dlvSourceIp,bounceCat\r\n",
     {.records = LIST("d", "b"), FIELDS({"d", LIST("timeLogged", "orig", "rcpt", "dlvSourceIp")},
                                        {"b", LIST("timeLogged", "orig", "rcpt", "bounceCat")})}},
    {"TLS by name", STAR ",dlvTlsProtocol,dlvTlsCipher\r\n",
     {.records = LIST("d", "b"), FIELDS({"d", LIST("*", "dlvTlsProtocol", "dlvTlsCipher")},
                                        {"b", LIST("*", "dlvTlsProtocol", "dlvTlsCipher")})}},
    {"in one text with commas", STAR ",dlvTlsProtocol\r\n",
     {.records = LIST("d,b"), FIELDS({"d", LIST("*, dlvTlsProtocol")})}},
    {"long names, any case", "type,orig,rcpt\r\n",
     {.records = LIST("Delivery"), FIELDS({"delivery", LIST("ORIG", "rcpt")})}},
    {"left out, wherever it stands", "type,timeLogged,rcpt\r\n",
     {.records = LIST("d"), FIELDS({"d", LIST("!orig", "timeLogged", "orig", "rcpt", "rcpt")})}},
    {"left out of the star", "type,timeLogged,orig,rcpt,orcpt,srcType,srcMta,vmta,jobId,envId\r\n",
     {.records = LIST("r"), FIELDS({"r", LIST("*", "!vmtaPool", "!rcvSourceIp",
                                              "!rcvDestinationIp")})}},
    {"the star in the middle keeps order", "type,queueId,timeLogged,orig,rcpt,orcpt,srcType,"
     "srcMta,rcvSourceIp,rcvDestinationIp,vmta,vmtaPool,jobId,envId\r\n",
     {.records = LIST("r"), FIELDS({"r", LIST("queueId", "*")})}},
    {"type listed late stays first", "type,orig\r\n",
     {.records = LIST("d"), FIELDS({"d", LIST("orig", "type")})}},
    {"all types: what is new comes behind", STAR ",rcvSourceIp,rcvDestinationIp\r\n",
     {.records = LIST("d", "b", "t", "r")}},
    {"fields of a type that is not written do not count", "type,orig\r\n",
     {.records = LIST("d"), FIELDS({"d", LIST("orig")}, {"b", LIST("bounceCat")})}},
};

static const struct {
    const char *name, *why;
    struct account_conf conf;
} wrongs[] = {
    {"no type", "no type is named", {.records = {0}}},
    {"an empty word", "no type is named", {.records = LIST(" , ")}},
    {"unknown type", "no such type 'x'", {.records = LIST("d", "x")}},
    {"PowerMTA's own type", "'rb' is a type that only PowerMTA has", {.records = LIST("d", "rb")}},
    {"unknown column", "no such column 'dlvTlsColour'",
     {.records = LIST("d"), FIELDS({"d", LIST("*", "dlvTlsColour")})}},
    {"unknown column left out", "no such column 'x'",
     {.records = LIST("d"), FIELDS({"d", LIST("*", "!x")})}},
    {"bare !", "no such column ''", {.records = LIST("d"), FIELDS({"d", LIST("*", "!")})}},
    {"type left out", "type is always there",
     {.records = LIST("d"), FIELDS({"d", LIST("*", "!type")})}},
    {"fields of an unknown type", "no such type 'q'",
     {.records = LIST("d"), FIELDS({"q", LIST("*")})}},
};
/* clang-format on */

static void headers_are_powermtas(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        struct account *a = made(headers[i].conf);

        assert_row(span_is(account_header(a), headers[i].header), headers[i].name);
        account_free(&a);
        assert_null(a);
    }
}

static void mistakes_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrongs); i++) {
        struct account_conf conf = wrongs[i].conf;

        conf.user_string = "";
        assert_row(!account_new(&conf, why, sizeof why), wrongs[i].name);
        assert_row(strstr(why, wrongs[i].why) && !strchr(why, '\n'), wrongs[i].name);
    }
}

static void assert_is_row(const struct account *a, const struct record *r, const char *row)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    assert_true(account_row(a, &b, r));
    assert_span(buf_peek(&b), row);
    buf_clear(&b);
}

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
    struct account *a = made((struct account_conf){.records = LIST("d", "b"), .iso_times = true});

    (void)state;
    assert_is_row(a, &r, DELIVERY "\r\n");
    account_free(&a);
    a = made((struct account_conf){.records = LIST("d", "b"),
                                   .iso_times = true,
                                   FIELDS({"d", LIST("*", "dlvTlsProtocol", "dlvTlsCipher")})});
    assert_is_row(a, &r, DELIVERY ",TLSv1.2,ECDHE-RSA-AES256-GCM-SHA384\r\n");
    account_free(&a);
}

static void what_a_type_does_not_select_is_empty(void **state)
{
    struct record r = delivery();
    struct account *a = made(headers[3].conf);

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
        made((struct account_conf){.records = LIST("d"),
                                   .user_string = "node \"7\", left\n",
                                   FIELDS({"d", LIST("userString", "timeQueued")})});

    (void)state;
    r.column[COLUMN_userString] = SPAN("forged");
    r.queued = 0;
    assert_is_row(a, &r, "d,\"node \"\"7\"\", left?\",\r\n");
    account_free(&a);
}

static const struct {
    const char *name;
    struct span value;
    const char *diag, *orig; /* the cell, in a column of free text and in an address */
} cells[] = {
    {"plain", SPAN("250 ok"), "250 ok", "250 ok"},
    {"empty", SPAN(""), "", ""},
    {"comma", SPAN("a,b"), "\"a,b\"", "\"a,b\""},
    {"quote", SPAN("say \"hi\""), "\"say \"\"hi\"\"\"", "\"say \"\"hi\"\"\""},
    {"only quotes", SPAN("\"\""), "\"\"\"\"\"\"", "\"\"\"\"\"\""},
    {"a second row", SPAN("x\r\nd,forged"), "\"x\?\?d,forged\"", "\"x\?\?d,forged\""},
    {"a bare LF", SPAN("x\nd"), "x?d", "x?d"},
    {"NUL and escape", SPAN("a\0b\x1b[2J"), "a?b?[2J", "a?b?[2J"},
    {"UTF-8", SPAN("j\xc3\xbcrgen"), "j\xc3\xbcrgen", "j\xc3\xbcrgen"},
    {"no UTF-8", SPAN("j\xfcrgen"), "j?rgen", "j?rgen"},
    {"formula =", SPAN("=1+1"), "'=1+1", "=1+1"},
    {"formula + in quotes", SPAN("+a,b"), "\"'+a,b\"", "\"+a,b\""},
    {"formula -", SPAN("-1"), "'-1", "-1"},
    {"formula @", SPAN("@x"), "'@x", "@x"},
    {"formula behind a tab", SPAN("\t=1"), "?=1", "?=1"},
};

static void cells_are_clean_and_quoted(void **state)
{
    struct account *a =
        made((struct account_conf){.records = LIST("d"), FIELDS({"d", LIST("dsnDiag", "orig")})});

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cells); i++) {
        struct record r = {.at = 1};
        char row[256];
        struct buf b;

        r.column[COLUMN_type] = SPAN("d");
        r.column[COLUMN_dsnDiag] = r.column[COLUMN_orig] = cells[i].value;
        snprintf(row, sizeof row, "d,%s,%s\r\n", cells[i].diag, cells[i].orig);
        buf_init(&b, 4096);
        assert_true(account_row(a, &b, &r));
        assert_row(span_is(buf_peek(&b), row), cells[i].name);
        buf_clear(&b);
    }
    account_free(&a);
}

static void a_row_is_whole_or_not_there(void **state)
{
    struct record r = delivery();
    struct account *a = made(headers[3].conf);
    size_t len = strlen("d,1549662845,bounce+12=x@sender.test,joe@example.test,192.0.2.2,\r\n");

    (void)state;
    for (size_t room = 0; room <= len; room++) {
        struct buf b;

        buf_init(&b, room);
        assert_int_equal(account_row(a, &b, &r), room == len);
        assert_int_equal(buf_len(&b), room == len ? len : 0);
        buf_clear(&b);
    }
    account_free(&a);
}

static void the_longest_row_fits(void **state)
{
    static char quotes[RECORD_MAX];
    struct record r = {.at = 1};
    struct account *a = made((struct account_conf){.records = LIST("d")});
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_powermtas),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(a_row_is_powermtas),
        cmocka_unit_test(what_a_type_does_not_select_is_empty),
        cmocka_unit_test(the_users_string_is_in_its_column),
        cmocka_unit_test(cells_are_clean_and_quoted),
        cmocka_unit_test(a_row_is_whole_or_not_there),
        cmocka_unit_test(the_longest_row_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
