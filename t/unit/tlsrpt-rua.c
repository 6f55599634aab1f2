/* SPDX-License-Identifier: Apache-2.0
 *
 * The record that says where reports are wanted (RFC 8460, 3).
 */
#include "t/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/tlsrpt/rua.h"

/* clang-format off */
static const struct {
    const char *name, *text, *want; /* addresses with a space between; NULL: no report is wanted */
} cases[] = {
    {"the RFC's",           "v=TLSRPTv1;rua=mailto:reports@example.com", "reports@example.com"},
    {"the RFC's https",     "v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt", "reporting.example.com:443"},
    {"several",             "v=TLSRPTv1; rua=mailto:a@b.test , https://c.test:8443/x?y,mailto:d@e.test", "a@b.test c.test:8443 d@e.test"},
    {"two fields",          "v=TLSRPTv1; rua=mailto:a@b.test; rua=mailto:c@d.test;", "a@b.test c@d.test"},
    {"an extension",        "v=TLSRPTv1; x-y.z_1=anything at all; rua=mailto:a@b.test", "a@b.test"},
    {"blanks",              "v=TLSRPTv1 \t;\t rua=mailto:a@b.test \t;", "a@b.test"},
    {"in capitals",         "v=TLSRPTv1; rua=MailTo:a@b.test,HTTPS://c.test/", "a@b.test c.test:443"},
    {"coded",               "v=TLSRPTv1; rua=mailto:a%21b%2dc@d.test", "a!b-c@d.test"},
    {"with a subject",      "v=TLSRPTv1; rua=mailto:a@b.test?subject=x", "a@b.test"},
    {"another scheme",      "v=TLSRPTv1; rua=ftp://a.test/,mailto:a@b.test", "a@b.test"},
    {"http is none",        "v=TLSRPTv1; rua=http://a.test/", NULL},
    {"nothing",             "", NULL},
    {"no rua",              "v=TLSRPTv1;", NULL},
    {"an empty one",        "v=TLSRPTv1; rua=", NULL},
    {"another version",     "v=TLSRPTv2; rua=mailto:a@b.test", NULL},
    {"another case",        "v=tlsrptv1; rua=mailto:a@b.test", NULL},
    {"not at its begin",    "rua=mailto:a@b.test; v=TLSRPTv1", NULL},
    {"two delimiters",      "v=TLSRPTv1;; rua=mailto:a@b.test", NULL},
    {"a field of no kind",  "v=TLSRPTv1; rua=mailto:a@b.test; x", NULL},
    {"no name",             "v=TLSRPTv1; =x; rua=mailto:a@b.test", NULL},
    {"a line of its own",   "v=TLSRPTv1; rua=mailto:a%0d%0aX:y@b.test", NULL},
    {"a NUL",               "v=TLSRPTv1; rua=mailto:a%00@b.test", NULL},
    {"a second recipient",  "v=TLSRPTv1; rua=mailto:a@b.test%3e%20<c@d.test", NULL},
    {"two by a comma",      "v=TLSRPTv1; rua=mailto:a@b.test%2cc@d.test", NULL},
    {"half a code",         "v=TLSRPTv1; rua=mailto:a%2@b.test", NULL},
    {"no domain",           "v=TLSRPTv1; rua=mailto:a@", NULL},
    {"a login",             "v=TLSRPTv1; rua=https://a:b@c.test/", NULL},
    {"an address",          "v=TLSRPTv1; rua=https://192.0.2.1/", NULL},
    {"another address",     "v=TLSRPTv1; rua=https://[::1]/", NULL},
    {"a port too big",      "v=TLSRPTv1; rua=https://a.test:65536/", NULL},
    {"port 0",              "v=TLSRPTv1; rua=https://a.test:0/", NULL},
    {"no port",             "v=TLSRPTv1; rua=https://a.test:/", NULL},
};
/* clang-format on */

static const char *told(const struct rua_record *r)
{
    static char to[4096];
    size_t len = 0;

    to[0] = '\0';
    for (size_t i = 0; i < r->ruas; i++) {
        const struct rua *a = &r->rua[i];

        len += (size_t)(a->is_https
                            ? snprintf(to + len, sizeof to - len, "%s%s:%u", i ? " " : "", a->host,
                                       a->port)
                            : snprintf(to + len, sizeof to - len, "%s%s", i ? " " : "", a->mail));
    }
    return to;
}

static void records(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rua_record r = {.count = 0};

        rua_record_add(&r, span_of(cases[i].text));
        assert_row(rua_record_is(&r) == (cases[i].want != NULL), cases[i].name);
        if (cases[i].want)
            assert_string_equal(told(&r), cases[i].want);
    }
}

/* Several records are none; those of others do not count. */
static void several_records(void **state)
{
    struct rua_record r = {.count = 0};

    (void)state;
    rua_record_add(&r, SPAN("v=spf1 -all"));
    rua_record_add(&r, SPAN("v=TLSRPTv1; rua=mailto:a@b.test"));
    assert_true(rua_record_is(&r));
    rua_record_add(&r, SPAN("v=TLSRPTv1; rua=mailto:a@b.test"));
    assert_false(rua_record_is(&r));
}

/* Bytes of its own, so that a sanitizer sees who reads behind them. */
static void cut_at_every_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (size_t len = 0; len <= strlen(cases[i].text); len++) {
            struct rua_record r = {.count = 0};
            char *bytes = malloc(len + 1);

            assert_non_null(bytes);
            memcpy(bytes + 1, cases[i].text, len);
            rua_record_add(&r, (struct span){bytes + 1, len});
            assert_true(r.ruas <= RUA_MOST);
            free(bytes);
        }
}

static void too_many(void **state)
{
    char text[1000];
    int len = snprintf(text, sizeof text, "v=TLSRPTv1; rua=mailto:a@b.test");
    struct rua_record r = {.count = 0};

    (void)state;
    for (int i = 0; i < 20; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, ",mailto:a@b.test");
    rua_record_add(&r, span_of(text));
    assert_int_equal(r.ruas, RUA_MOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(records), cmocka_unit_test(several_records),
                                       cmocka_unit_test(cut_at_every_byte),
                                       cmocka_unit_test(too_many)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
