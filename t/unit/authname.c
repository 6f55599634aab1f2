/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/authname.h"

#include <stdlib.h>

#include "base/base64.h"
#include "unit.h"

/* clang-format off */
static const struct { const char *name, *mechanism; struct span says; const char *is; } cases[] = {
    {"PLAIN (RFC 4616)", "PLAIN", SPAN("\0tim\0tanstaaftanstaaf"), "tim"},
    {"PLAIN, in the name of another", "plain", SPAN("Ursel\0Kurt\0xipj3plmq"), "Ursel"},
    {"PLAIN without a secret", "PLAIN", SPAN("\0tim"), "tim"},
    {"PLAIN with nothing in it", "PLAIN", SPAN("\0\0secret"), ""},
    {"LOGIN", "LOGIN", SPAN("alice@x.test"), "alice@x.test"},
    {"EXTERNAL", "EXTERNAL", SPAN("alice"), "alice"},
    {"EXTERNAL, as the certificate says", "EXTERNAL", SPAN(""), ""},
    {"CRAM-MD5 (RFC 2195)", "CRAM-MD5", SPAN("tim b913a602c7eda7a495b4e6e7334d3890"), "tim"},
    {"CRAM-MD5, a space in it", "CRAM-MD5", SPAN("tim o b913"), "tim o"},
    {"CRAM-MD5 without a digest", "CRAM-MD5", SPAN("tim"), ""},
    {"DIGEST-MD5 (RFC 2831)", "DIGEST-MD5", SPAN("charset=utf-8,username=\"chris\",realm=\"elwood\",nonce=\"OA6MG9\""), "chris"},
    {"SCRAM (RFC 5802)", "SCRAM-SHA-256", SPAN("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"), "user"},
    {"SCRAM, in the name of another", "SCRAM-SHA-1-PLUS", SPAN("p=tls-unique,a=boss,n=user,r=fyko"), "boss"},
    {"SCRAM without a name", "SCRAM-SHA-1", SPAN("n,,r=xn=a"), ""},
    {"XOAUTH2", "XOAUTH2", SPAN("user=some@x.test\1auth=Bearer vF9dft4\1\1"), "some@x.test"},
    {"OAUTHBEARER (RFC 7628)", "OAUTHBEARER", SPAN("n,a=user@x.test,\1host=server\1auth=Bearer vF9\1\1"), "user@x.test"},
    {"one that is not known", "GSSAPI", SPAN("alice"), ""},
    {"its beginning is not enough", "PLAINER", SPAN("\0tim\0secret"), ""},
    {"nor half of it", "LOG", SPAN("tim"), ""},
    {"control characters", "LOGIN", SPAN("a\r\nb\x1b"), "a??b?"},
};
/* clang-format on */

static void the_name_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char letters[512], name[AUTHNAME_SIZE];
        size_t len = base64_write(letters, cases[i].says);
        unsigned mechanism = authname_find(span_of(cases[i].mechanism));

        assert_row(authname_read(name, mechanism, (struct span){letters, len}) ==
                       strlen(cases[i].is),
                   cases[i].name);
        if (strcmp(name, cases[i].is) != 0)
            fail_msg("%s: '%s'", cases[i].name, name);
        /* Cut anywhere: no more than what is there, and never the secret. */
        for (size_t cut = 0; cut < len; cut++) {
            char *tight = malloc(cut + 1);

            assert_non_null(tight);
            memcpy(tight, letters, cut);
            size_t got = authname_read(name, mechanism, (struct span){tight, cut});
            assert_row(got <= AUTHNAME_SIZE && !strstr(name, "secret") && !strstr(name, "tanst"),
                       cases[i].name);
            free(tight);
        }
    }
}

static void what_is_no_base64_says_nothing(void **state)
{
    static const char *const odd[] = {"*",   "=",    "====",     "A",
                                      "AAA", "AA=A", "YWxp Y2U", "YWxp\nY2U="};
    char name[AUTHNAME_SIZE] = "before";

    (void)state;
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        assert_row(authname_read(name, authname_find(SPAN("LOGIN")), span_of(odd[i])) == 0, odd[i]);
        assert_string_equal(name, "");
    }
}

static void a_long_one_is_cut(void **state)
{
    static char says[3000], letters[4000];
    char name[AUTHNAME_SIZE];

    (void)state;
    memset(says, 'x', sizeof says);
    size_t len = base64_write(letters, (struct span){says, sizeof says});
    assert_int_equal(authname_read(name, authname_find(SPAN("LOGIN")), (struct span){letters, len}),
                     AUTHNAME_SIZE - 1);
    assert_int_equal(
        authname_read(name, authname_find(SPAN("LOGIN")), (struct span){letters, sizeof letters}),
        AUTHNAME_SIZE - 1);
}

static void base64_comes_back(void **state)
{
    char bytes[80], letters[BASE64_SIZE(80)], back[80];

    (void)state;
    for (size_t len = 0; len <= sizeof bytes; len++) {
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)(i * 37 + len);
        size_t got = base64_write(letters, (struct span){bytes, len});
        assert_int_equal(base64_read(back, (struct span){letters, got}), len);
        assert_memory_equal(back, bytes, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_is_found),
        cmocka_unit_test(what_is_no_base64_says_nothing),
        cmocka_unit_test(a_long_one_is_cut),
        cmocka_unit_test(base64_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
