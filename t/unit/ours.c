/* SPDX-License-Identifier: Apache-2.0
 *
 * The accounting file that tls-reports keeps.
 */
#include "t/unit/unit.h"

#include "conf/settings.h"

static char why[65536];

static struct settings *read_good(const char *text)
{
    struct settings *s = settings_read_text(span_of(text), "f", why, sizeof why);

    assert_string_equal(why, "");
    assert_non_null(s);
    return s;
}

/* It is no section, and nobody's address is in it. */
static void test_what_reports_keep(void **state)
{
    struct settings *s = read_good("acct-file /a.csv { }\ntls-reports = yes\n"
                                   "tls-report-contact = tls@a.test\nstate-directory = /s\n");
    const struct acct_file *ours = &s->acct_files[1];

    (void)state;
    assert_int_equal(s->acct_file_count, 2);
    assert_false(s->acct_files[0].is_ours);
    assert_true(ours->is_ours);
    assert_string_equal(ours->head.title, "/s/tlsrpt/sessions.csv");
    assert_int_equal(ours->delete_after, 8 * 86400);
    assert_int_equal(ours->record_fields_count, 4);
    for (size_t i = 0; i < ours->record_fields_count; i++)
        for (size_t f = 0; f < ours->record_fields[i].fields.count; f++)
            for (const char *const *no = (const char *const[]){"*", "rcpt", "orig", "orcpt", NULL};
                 *no; no++)
                assert_string_not_equal(ours->record_fields[i].fields.at[f], *no);
    assert_true(settings_has_accounts(s));
    settings_free(&s);
    s = read_good("tls-reports = yes\ntls-report-contact = tls@a.test\n");
    assert_int_equal(s->acct_file_count, 1);
    assert_false(settings_has_accounts(s));
    settings_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_reports_keep)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
