/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of records that say much alike: account_row(). */
#include "acct/form.h"

#include <stdio.h>

#include "t/lib/accounts.h"
#include "tell/alike.h"

/* A reception, as alike_read() makes it: but for these columns it says what others of its number
 * do. */
static struct record reception(uint64_t number)
{
    static const enum column own[] = {COLUMN_orig,      COLUMN_rcpt,    COLUMN_orcpt,
                                      COLUMN_envId,     COLUMN_queueId, COLUMN_timeLogged,
                                      COLUMN_timeQueued};
    struct record r = {.what = RECORD_RECEIVED, .at = 1549662845.9};

    r.alike = (struct record_alike){number, ~(uint64_t)0, 7};
    for (size_t i = 0; i < COUNT_OF(own); i++)
        r.alike.columns &= ~((uint64_t)1 << own[i]);
    r.column[COLUMN_type] = SPAN("r");
    r.column[COLUMN_orig] = SPAN("a@sender.test");
    r.column[COLUMN_rcpt] = SPAN("joe@example.test");
    r.column[COLUMN_srcMta] = SPAN("client, \"the\" =first; @last");
    r.column[COLUMN_rcvSourceIp] = SPAN("192.0.2.1");
    r.column[COLUMN_rcvSmtpUser] = SPAN("+al");
    r.column[COLUMN_sourceRule] = SPAN("0/0");
    r.column[COLUMN_queueId] = SPAN("Q1");
    return r;
}

static void assert_row_is_as_alone(struct account *a, const struct account_conf *conf,
                                   struct record r)
{
    struct account *other = account_made(*conf);
    struct buf alone;

    buf_init(&alone, 1 << 20);
    r.alike.number = 0;
    assert_true(account_row(other, &alone, &r));
    assert_true(buf_len(&alone) > 0);
    assert_true(buf_add(&alone, (struct span){"", 1}));
    r.alike.number = 1;
    assert_is_row(a, &r, buf_peek(&alone).at);
    buf_clear(&alone);
    account_free(&other);
}

#define R_FIELDS \
    FIELDS({"r", LIST("*", "rcvSmtpUser", "userString", "sourceRule", "queueId", "header_X-A")})

/* What a row has in common with others is written once, and the row is as it would be alone. */
static void rows_of_one_session_are_as_alone(void **state)
{
    static char wide[900];
    const struct account_conf confs[] = {
        {.records = LIST("r"), R_FIELDS},
        {.records = LIST("r"), R_FIELDS, .guard = true, .iso_times = true, .user_string = "=me"},
        {.records = LIST("d", "b", "t", "r"), R_FIELDS},
        {.records = LIST("r"), R_FIELDS, .json = true},
        {.records = LIST("r"), R_FIELDS, .privacy = LIST("redact", "X")},
        {.records = LIST("r"), R_FIELDS, .mappings = LIST("r header_X-A vmta")},
    };

    (void)state;
    memset(wide, 'w', sizeof wide);
    for (size_t i = 0; i < COUNT_OF(confs); i++) {
        struct account *a = account_made(confs[i]);
        struct record r = reception(1);

        assert_row_is_as_alone(a, &confs[i], r);
        r.at += 60;
        r.column[COLUMN_rcpt] = SPAN("\"jane, or so\"@example.test");
        r.column[COLUMN_orcpt] = SPAN("-x");
        r.column[COLUMN_queueId] = SPAN("");
        record_add_header(&r, SPAN("X-A"), SPAN("mapped"));
        record_add_header(&r, SPAN("X-Job"), SPAN("seven"));
        assert_row_is_as_alone(a, &confs[i], r);
        r.column[COLUMN_rcpt] = (struct span){wide, sizeof wide};
        assert_row_is_as_alone(a, &confs[i], r);
        account_free(&a);
    }
}

/* Another number in the same place is another session; a text too long for a form has none. */
static void each_session_has_its_own_rows(void **state)
{
    static char wide[1500];
    struct account *a = account_made((struct account_conf){
        .records = LIST("r"), FIELDS({"r", LIST("orig", "rcvSmtpUser", "sourceRule")})});
    char row[2500];

    (void)state;
    memset(wide, 'w', sizeof wide - 1);
    for (int turn = 0; turn < 3; turn++) {
        for (unsigned number = 1; number < 4; number++) {
            struct record r = reception(number);

            r.alike.place = ALIKE_PLACES - 1;
            r.column[COLUMN_rcvSmtpUser] = span_of(number == 3 ? wide : number == 2 ? "" : "al");
            snprintf(row, sizeof row, "r,a@sender.test,%.*s,0/0\r\n",
                     SPAN_ARG(r.column[COLUMN_rcvSmtpUser]));
            assert_is_row(a, &r, row);
            assert_is_row(a, &r, row);
        }
    }
    account_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_one_session_are_as_alone),
        cmocka_unit_test(each_session_has_its_own_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
