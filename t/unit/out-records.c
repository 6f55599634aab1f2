/* SPDX-License-Identifier: Apache-2.0
 *
 * What a row says of TLS: what was wished, what became of it, and why.
 */
#include "proxy-out/relay/records.h"

#include <stdio.h>

#include "unit.h"

#define NOT_REACHED .at.port = 0
#define MAY .demand = {.level = DEMAND_MAY}
#define WATCHED(part) .demand = {.level = DEMAND_MAY, .notes = (part)}, .noted_by = (part)
#define MUST_BE .demand = {.level = DEMAND_ENCRYPT, .must = PART_ENCRYPT}
#define THERE .at.port = 25
#define CONNECTED THERE, .from.port = 9999

/* clang-format off */
static const struct {
    const char *name;
    struct remote remote;
    enum fail fail;
    const char *policy, *result, *error;
} rows[] = {
    {"no server",            {MUST_BE, NOT_REACHED}, FAIL_DNS, "encrypt", "", ""},
    {"not wished",           {.demand.level = DEMAND_NONE, CONNECTED}, FAIL_NOT, "none", "", ""},
    {"not wished, and there", {.demand.level = DEMAND_NONE, CONNECTED, .secure = true}, FAIL_NOT, "none", "", ""},
    {"nobody there",         {MAY, THERE}, FAIL_CONNECT, "may", "", ""},
    {"in the clear",         {MAY, CONNECTED, .tls_fail = FAIL_NO_STARTTLS}, FAIL_NOT, "may", "clear", "starttls-not-offered"},
    {"and then it broke off", {MAY, CONNECTED, .tls_fail = FAIL_NO_STARTTLS}, FAIL_CLOSED, "may", "clear", "starttls-not-offered"},
    {"in TLS",               {MAY, CONNECTED, .secure = true}, FAIL_NOT, "may", "met", ""},
    {"as it must",           {MUST_BE, CONNECTED, .secure = true}, FAIL_NOT, "encrypt", "met", ""},
    {"it must, and is not",  {MUST_BE, CONNECTED, .tls_fail = FAIL_NO_STARTTLS}, FAIL_NO_STARTTLS, "encrypt", "failed", "starttls-not-offered"},
    {"not even connected",   {MUST_BE, THERE, .tls_fail = FAIL_TLSA_LOOKUP}, FAIL_TLSA_LOOKUP, "encrypt", "failed", "tlsa-invalid"},
    {"it is there, and wrong", {MUST_BE, CONNECTED, .secure = true, .tls_fail = FAIL_CERT_NAME}, FAIL_CERT_NAME, "encrypt", "failed", "certificate-host-mismatch"},
    {"reported",             {WATCHED(PART_ENCRYPT), CONNECTED, .noted = FAIL_NO_STARTTLS, .tls_fail = FAIL_NO_STARTTLS}, FAIL_NOT, "may+encrypt-reported", "reported", "starttls-not-offered"},
    {"reported, in TLS",     {WATCHED(PART_VERIFY), CONNECTED, .secure = true, .noted = FAIL_CERT_NAME}, FAIL_NOT, "may+verify-reported", "reported", "certificate-host-mismatch"},
    {"testing",              {WATCHED(PART_STS), CONNECTED, .secure = true, .noted = FAIL_STS_NAME}, FAIL_NOT, "may+sts-testing", "testing-failed", "sts-certificate-host-mismatch"},
    {"noted, and in vain",   {.demand = {.level = DEMAND_ENCRYPT, .must = PART_ENCRYPT, .notes = PART_STS}, CONNECTED, .noted = FAIL_STS_MX, .noted_by = PART_STS, .tls_fail = FAIL_HANDSHAKE},
                             FAIL_HANDSHAKE, "encrypt+sts-testing", "failed", "handshake"},
};
/* clang-format on */

static void test_tls(void **state)
{
    char address[] = "b@b.test", sender[] = "a@a.test";
    struct recipient rcpt = {.address = address};
    struct transaction t = {.number = 1, .sender = sender, .rcpt = &rcpt, .count = 1};
    const struct records_mta mta = {.name = "mta.test"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct remote remote = rows[i].remote;
        struct records_event e = {.what = RECORD_ROW,
                                  .domain = "b.test",
                                  .reply = SPAN("451 4.7.5 x\r\n"),
                                  .fail = rows[i].fail};
        struct record_memory *memory = NULL;
        struct record r;
        struct buf to;

        remote.rule = "b.test rule";
        remote.client_cert = "";
        (void)snprintf(remote.tls.protocol, sizeof remote.tls.protocol, "TLSv1.3");
        buf_init(&to, RECORDS_ROOM);
        assert_true(records_add(&to, &mta, &t, &remote, &e));
        assert_true(record_read(buf_peek(&to), &r, &memory));
        assert_row(span_is(r.column[COLUMN_domainRule], "b.test rule"), rows[i].name);
        assert_row(span_is(r.column[COLUMN_dlvTlsPolicy], rows[i].policy), rows[i].name);
        assert_row(span_is(r.column[COLUMN_dlvTlsPolicyResult], rows[i].result), rows[i].name);
        assert_row(span_is(r.column[COLUMN_dlvTlsError], rows[i].error), rows[i].name);
        assert_row(span_is(r.column[COLUMN_dlvTlsProtocol], remote.secure ? "TLSv1.3" : ""),
                   rows[i].name);
        record_forget(&memory);
        buf_clear(&to);
    }
}

/* By the type that the reply makes. */
static const struct {
    const char *name, *reply;
    struct texts unwritten;
    bool disabled;
} disabled[] = {
    {"none is named", "250 ok\r\n", {NULL, 0}, false},
    {"its type", "250 ok\r\n", {(const char *const[]){"t", "d"}, 2}, true},
    {"another type", "550 no\r\n", {(const char *const[]){"t", "d"}, 2}, false},
    {"a type whose name is longer", "451 no\r\n", {(const char *const[]){"tq"}, 1}, false},
};

static void test_disabled(void **state)
{
    char address[] = "b@b.test", sender[] = "a@a.test";
    struct recipient rcpt = {.address = address};
    struct transaction t = {.number = 1, .sender = sender, .rcpt = &rcpt, .count = 1};
    const struct records_mta mta = {.name = "mta.test"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(disabled); i++) {
        struct remote remote = {.rule = "", .client_cert = "", .unwritten = disabled[i].unwritten};
        struct records_event e = {
            .what = RECORD_OUTCOME, .domain = "b.test", .reply = span_of(disabled[i].reply)};
        struct record_memory *memory = NULL;
        struct record r;
        struct buf to;

        buf_init(&to, RECORDS_ROOM);
        assert_true(records_add(&to, &mta, &t, &remote, &e));
        assert_true(record_read(buf_peek(&to), &r, &memory));
        assert_row(r.disabled == disabled[i].disabled, disabled[i].name);
        record_forget(&memory);
        buf_clear(&to);
    }
}

/* clang-format off */
static const struct {
    const char *name;
    enum fail fail;
    const char *said, *status, *diag, *error;
} attempts[] = {
    {"nobody there",          FAIL_CONNECT,   "", "4.4.1 (no answer from host)", "smtp;451 4.4.1 Cannot connect", ""},
    {"its own words",         FAIL_GREETING,  "554 5.7.1 You are not welcome", "5.7.1 (delivery not authorized)", "smtp;554 5.7.1 You are not welcome", ""},
    {"words of before",       FAIL_CLOSED,    "454 4.7.0 No TLS today", "4.4.2 (bad connection)", "smtp;451 4.4.2 Connection lost", ""},
    {"a certificate",         FAIL_CERT_NAME, "", "4.7.5 (cryptographic failure)", "smtp;451 4.7.5 Certificate has another name", "certificate-host-mismatch"},
};
/* clang-format on */

static void test_attempts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(attempts); i++) {
        struct remote remote = {.rule = "b.test rule",
                                .client_cert = "",
                                .name = "mx.b.test",
                                .at = {.port = 25},
                                .session = {"S1"},
                                .published = {.domain = "b.test", .text = "no-policy-found"},
                                .unwritten = {(const char *const[]){"tq"}, i % 2},
                                MAY};
        struct record_memory *memory = NULL;
        struct record r;
        struct buf to;

        if (attempts[i].error[0])
            remote.tls_fail = attempts[i].fail;
        (void)snprintf(remote.said, sizeof remote.said, "%s", attempts[i].said);
        buf_init(&to, RECORD_MAX);
        assert_true(records_add_attempt(&to, "S0", "b.test", &remote, attempts[i].fail));
        assert_true(record_read(buf_peek(&to), &r, &memory));
        assert_int_equal(r.what, RECORD_ROW);
        assert_row(r.disabled == i % 2, attempts[i].name);
        assert_row(span_is(r.column[COLUMN_type], "tq"), attempts[i].name);
        assert_row(span_is(r.column[COLUMN_dsnStatus], attempts[i].status), attempts[i].name);
        assert_row(span_is(r.column[COLUMN_dsnDiag], attempts[i].diag), attempts[i].name);
        assert_row(span_is(r.column[COLUMN_dlvTlsError], attempts[i].error), attempts[i].name);
        assert_row(span_is(r.column[COLUMN_queue], "b.test/{default}"), attempts[i].name);
        assert_row(span_is(r.column[COLUMN_sessionId], "S0"), attempts[i].name);
        assert_row(span_is(r.column[COLUMN_dlvSessionId], "S1"), attempts[i].name);
        assert_row(span_is(r.column[COLUMN_dlvTlsPolicyText], "no-policy-found"), attempts[i].name);
        assert_row(span_is(r.column[COLUMN_dlvTlsPolicyDomain], "b.test"), attempts[i].name);
        record_forget(&memory);
        buf_clear(&to);
    }
}

static const struct {
    const char *name, *domain;
    struct xforward from;
    const char *source, *queue;
} origins[] = {
    {"the mail server itself", "b.test", {.addr = ""}, "mta.test (192.0.2.9)", "b.test/{default}"},
    {"its client",
     "b.test",
     {.helo = "c.test", .name = "n.test", .addr = "192.0.2.1"},
     "c.test (192.0.2.1)",
     "b.test/{default}"},
    {"by its name",
     "b.test",
     {.name = "n.test", .addr = "IPv6:2001:db8::1"},
     "n.test (2001:db8::1)",
     "b.test/{default}"},
    {"without a name", "b.test", {.addr = "192.0.2.1"}, "(192.0.2.1)", "b.test/{default}"},
    {"without an address", "b.test", {.helo = "c.test"}, "c.test", "b.test/{default}"},
    {"to no name", "", {.helo = "c.test"}, "c.test", ""},
};

static void test_origins(void **state)
{
    char address[] = "b@b.test", sender[] = "a@a.test";
    struct recipient rcpt = {.address = address};
    struct transaction t = {.number = 1, .sender = sender, .rcpt = &rcpt, .count = 1};
    struct records_mta mta = {.name = "mta.test"};

    (void)state;
    assert_true(addr_read(SPAN("192.0.2.9"), &mta.at));
    for (size_t i = 0; i < COUNT_OF(origins); i++) {
        struct records_event e = {
            .what = RECORD_ROW, .domain = origins[i].domain, .reply = SPAN("550 no\r\n")};
        struct record_memory *memory = NULL;
        struct record r;
        struct buf to;

        t.from = origins[i].from;
        buf_init(&to, RECORDS_ROOM);
        assert_true(records_add(&to, &mta, &t, NULL, &e));
        assert_true(record_read(buf_peek(&to), &r, &memory));
        assert_row(span_is(r.column[COLUMN_srcMta], origins[i].source), origins[i].name);
        assert_row(span_is(r.column[COLUMN_queue], origins[i].queue), origins[i].name);
        record_forget(&memory);
        buf_clear(&to);
    }
}

/* Only 2yz was delivered and only 5yz is final; all else the mail server tries again. */
static const struct {
    const char *reply, *type, *action;
} replies[] = {
    {"250 2.0.0 ok\r\n", "d", "relayed"},
    {"550 5.1.1 no\r\n", "b", "failed"},
    {"451 4.2.2 full\r\n", "t", "delayed"},
    {"354 go\r\n", "t", "delayed"},
    {"199 x\r\n", "t", "delayed"},
    {"999 x\r\n", "t", "delayed"},
    {"x\r\n", "t", "delayed"},
};

static void test_replies(void **state)
{
    char address[] = "b@b.test", sender[] = "a@a.test";
    struct recipient rcpt = {.address = address};
    struct transaction t = {.number = 1, .sender = sender, .rcpt = &rcpt, .count = 1};
    const struct records_mta mta = {.name = "mta.test"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(replies); i++) {
        struct records_event e = {
            .what = RECORD_ROW, .domain = "b.test", .reply = span_of(replies[i].reply)};
        struct record_memory *memory = NULL;
        struct record r;
        struct buf to;

        buf_init(&to, RECORDS_ROOM);
        assert_true(records_add(&to, &mta, &t, NULL, &e));
        assert_true(record_read(buf_peek(&to), &r, &memory));
        assert_row(span_is(r.column[COLUMN_type], replies[i].type), replies[i].reply);
        assert_row(span_is(r.column[COLUMN_dsnAction], replies[i].action), replies[i].reply);
        record_forget(&memory);
        buf_clear(&to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tls), cmocka_unit_test(test_disabled), cmocka_unit_test(test_origins),
        cmocka_unit_test(test_replies), cmocka_unit_test(test_attempts)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
