/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/path.h"

#include <stdio.h>
#include <stdlib.h>

#include "smtp/xtext.h"
#include "unit.h"

/* clang-format off */
static const struct { const char *lead, *arg, *local, *domain, *params; } paths[] = { /* local NULL: bad */
    {"FROM:", "FROM:<a@b.example>", "a", "b.example", ""},
    {"FROM:", "from:<a@b.example> SIZE=1 BODY=8BITMIME", "a", "b.example", "SIZE=1 BODY=8BITMIME"},
    {"TO:", "TO:<a+b=c!d%e@b.example>", "a+b=c!d%e", "b.example", ""},
    {"FROM:", "FROM:<>", "", "", ""},
    {"FROM:", "FROM:<> SIZE=1", "", "", "SIZE=1"},
    {"TO:", "TO:<>", NULL, NULL, NULL},
    {"FROM:", "FROM: <a@b>", "a", "b", ""},
    {"TO:", "TO:<Postmaster>", "Postmaster", "", ""},                        /* RFC 5321, 4.5.1 */
    {"TO:", "TO:<@x.example,@y.example:a@b>", "a", "b", ""},                 /* 4.1.1.3, appendix C */
    {"TO:", "TO:<@x.example:a@b> NOTIFY=NEVER", "a", "b", "NOTIFY=NEVER"},
    {"TO:", "TO:<@x.example a@b>", NULL, NULL, NULL},
    {"TO:", "TO:<@x.example:>", NULL, NULL, NULL},
    {"FROM:", "FROM:<@x.example:>", NULL, NULL, NULL},
    {"TO:", "TO:<@:a@b>", NULL, NULL, NULL},
    {"TO:", "TO:<@x,y:a@b>", NULL, NULL, NULL},
    {"TO:", "TO:<\"a b\\\"> c\"@b>", "\"a b\\\"> c\"", "b", ""},             /* 4.1.2, Quoted-string */
    {"TO:", "TO:<\"\"@b>", "\"\"", "b", ""},
    {"TO:", "TO:<\"a@b>", NULL, NULL, NULL},
    {"TO:", "TO:<\"a\"b@c>", NULL, NULL, NULL},
    {"TO:", "TO:<a@[192.0.2.1]>", "a", "[192.0.2.1]", ""},                   /* 4.1.3 */
    {"TO:", "TO:<a@[IPv6:2001:db8::1]>", "a", "[IPv6:2001:db8::1]", ""},
    {"TO:", "TO:<a@[]>", NULL, NULL, NULL},
    {"TO:", "TO:<a@[1.2.3.4>", NULL, NULL, NULL},
    {"TO:", "TO:<\xc3\xbc@\xc3\xa4.example>", "\xc3\xbc", "\xc3\xa4.example", ""}, /* RFC 6531 */
    {"TO:", "TO:<a@b", NULL, NULL, NULL},
    {"TO:", "TO:<a@b>x", NULL, NULL, NULL},
    {"TO:", "TO:<a@b>>", NULL, NULL, NULL},
    {"TO:", "TO:<<a@b>", NULL, NULL, NULL},
    {"TO:", "TO:<a@>", NULL, NULL, NULL},
    {"TO:", "TO:<@b>", NULL, NULL, NULL},
    {"TO:", "TO:<a@b@c>", NULL, NULL, NULL},
    {"TO:", "TO:<a b@c>", NULL, NULL, NULL},
    {"TO:", "TO:<a@b c>", NULL, NULL, NULL},
    {"TO:", "TO:<a,c@b>", NULL, NULL, NULL},
    {"TO:", "TO:<a@b,c>", NULL, NULL, NULL},
    {"TO:", "TO:<a@b/c>", NULL, NULL, NULL},
    {"TO:", "TO:<a@b|c>", NULL, NULL, NULL},
    {"TO:", "TO:a@b.example X=1", "a", "b.example", "X=1"},
    {"TO:", "TO:a@b>", NULL, NULL, NULL},
    {"TO:", "TO:a, b@c", NULL, NULL, NULL},
    {"TO:", "TO:\"a\"@b", NULL, NULL, NULL},
    {"TO:", "TO:", NULL, NULL, NULL},
    {"TO:", "TO", NULL, NULL, NULL},
    {"TO:", "FROM:<a@b>", NULL, NULL, NULL},
    {"FROM:", "", NULL, NULL, NULL},
};

static const struct { const char *in, *out; } lists[] = { /* out as name|value, '!' where it is bad */
    {"SIZE=100 BODY=8BITMIME", "SIZE|100,BODY|8BITMIME,"},
    {"  A=1   SMTPUTF8 ", "A|1,SMTPUTF8|,"},
    {"AUTH=<> ENVID=a+3Db", "AUTH|<>,ENVID|a+3Db,"},
    {"X-a-1=\xc3\xbc", "X-a-1|\xc3\xbc,"},
    {"", ""}, {"A=", "!"}, {"=1", "!"}, {"-A=1", "!"}, {"A=b=c", "!"}, {"A_B=1", "!"}, {"A=1 B=\t", "A|1,!"},
    {"A=1\r", "!"},
};

static const struct { const char *raw, *made; } xtexts[] = { /* RFC 3461, 4 */
    {"a@b.example", "a@b.example"}, {"a+b=c", "a+2Bb+3Dc"}, {"a b", "a+20b"}, {"", ""},
    {"\r\n\377", "+0D+0A+FF"}, {"[UNAVAILABLE]", "[UNAVAILABLE]"},
};

static const char *const no_xtext[] = {"+", "+4", "a+4", "+4G", "+G4", "a=b", "a b", "\r", "\377", "+00", "a\177"};
/* clang-format on */

/* Exactly as long as it says, so that the sanitizer sees who looks behind it. */
static struct span exact(const char *text)
{
    size_t len = strlen(text);
    char *copy = malloc(len ? len : 1);

    assert_non_null(copy);
    memcpy(copy, text, len);
    return (struct span){copy, len};
}

static void paths_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        struct span arg = exact(paths[i].arg);
        struct path p;
        bool ok = path_read(arg, paths[i].lead, &p);

        assert_row(ok == (paths[i].local != NULL), paths[i].arg);
        if (ok) {
            assert_span(p.local, paths[i].local);
            assert_span(p.domain, paths[i].domain);
            assert_span(p.params, paths[i].params);
            assert_int_equal(p.mailbox.len, p.local.len + p.domain.len + (p.domain.len > 0));
            assert_ptr_equal(p.mailbox.at, p.local.at);
        }
        free((char *)arg.at);
        for (size_t cut = 0; cut < strlen(paths[i].arg); cut++) { /* cut anywhere: no crash */
            struct span part = exact(paths[i].arg);

            part.len = cut;
            assert_true(!path_read(part, paths[i].lead, &p) || p.mailbox.len <= cut);
            free((char *)part.at);
        }
    }
}

static void domains_have_an_end(void **state)
{
    char arg[300] = "TO:<a@";
    struct path p;

    (void)state;
    memset(arg + 6, 'x', 256);
    memcpy(arg + 6 + 255, ">", 2);
    assert_true(path_read(span_of(arg), "TO:", &p));
    assert_int_equal(p.domain.len, PATH_DOMAIN_MAX);
    memcpy(arg + 6 + 255, "x>", 3);
    assert_false(path_read(span_of(arg), "TO:", &p));
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* Where `#` is any one byte: those of ASCII with which it can be read, and whether the others can.
 */
static const struct {
    const char *name, *text, *may;
    bool wide;
} places[] = {
    {"a local part", "FROM:<a#b@c>", LETTERS "!#$%&'*+-/=?^_`{|}~.", true},
    {"a domain", "FROM:<a@b#c>", LETTERS "-._", true},
    {"a literal", "FROM:<a@[b#c]>", LETTERS "!\"#$%&'()*+,-./:;=?@^_`{|}~", false},
    {"a keyword", "FROM:<a@b> c#d=e", LETTERS "-", false},
    {"a value", "FROM:<a@b> c=d#e", LETTERS "!\"#$%&'()*+,-./:;<>?@[\\]^_`{|}~", true},
};

static bool is_read(const char *text, char byte)
{
    char whole[64];
    struct span name, value, arg = {whole, strlen(text)};
    struct path path;
    int got;

    memcpy(whole, text, arg.len);
    *(char *)memchr(whole, '#', arg.len) = byte;
    if (!path_read(arg, "FROM:", &path))
        return false;
    while ((got = param_next(&path.params, &name, &value)) > 0 && name.len == 3 && value.len == 1)
        ; /* "c#d=e"; else it was cut */
    return got == 0 || (got > 0 && name.len == 1 && value.len == 3);
}

static void each_byte_has_its_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(places); i++)
        for (int c = 0; c < 256; c++) {
            bool may = c >= 0x80 ? places[i].wide : c && strchr(places[i].may, c);

            if (is_read(places[i].text, (char)c) != may)
                print_error("%s: byte %d\n", places[i].name, c);
            assert_row(is_read(places[i].text, (char)c) == may, places[i].name);
        }
}

static void parameters_are_read(void **state)
{
    struct span value;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        struct span left = span_of(lists[i].in), name;
        char out[100] = "";
        int got;

        while ((got = param_next(&left, &name, &value)) > 0)
            snprintf(out + strlen(out), sizeof out - strlen(out), "%.*s|%.*s,", SPAN_ARG(name),
                     SPAN_ARG(value));
        snprintf(out + strlen(out), sizeof out - strlen(out), "%s", got < 0 ? "!" : "");
        assert_string_equal(out, lists[i].out);
    }
    assert_true(param_find(SPAN("SIZE=1 ENVID=x SIZE=2"), "size", &value));
    assert_span(value, "1");
    assert_true(param_find(SPAN("A SMTPUTF8"), "SMTPUTF8", &value));
    assert_span(value, "");
    assert_false(param_find(SPAN("SIZE=1"), "ENVID", &value));
    assert_false(param_find(SPAN("SIZE=1 A="), "SIZE", &value));
    assert_false(param_find(SPAN(""), "SIZE", &value));
}

static void xtext_goes_and_comes_back(void **state)
{
    char to[40], back[40];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(xtexts); i++) {
        size_t len = strlen(xtexts[i].made), raw = strlen(xtexts[i].raw);

        assert_int_equal(xtext_make(to, sizeof to, span_of(xtexts[i].raw)), len);
        assert_string_equal(to, xtexts[i].made);
        assert_int_equal(xtext_read(back, sizeof back, span_of(to)), raw);
        assert_string_equal(back, xtexts[i].raw);
        for (size_t size = 0; size <= len; size++)
            assert_true(xtext_make(back, size, span_of(xtexts[i].raw)) == (size_t)-1);
        for (size_t size = 0; size <= raw; size++)
            assert_true(xtext_read(back, size, span_of(to)) == (size_t)-1);
    }
    assert_int_equal(xtext_make(to, sizeof to, (struct span){"\0", 1}), 3);
    for (size_t i = 0; i < COUNT_OF(no_xtext); i++)
        assert_row(xtext_read(to, sizeof to, span_of(no_xtext[i])) == (size_t)-1, no_xtext[i]);
    assert_int_equal(xtext_read(to, sizeof to, SPAN("a+3db")), 3); /* small letters are seen */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_read),
        cmocka_unit_test(domains_have_an_end),
        cmocka_unit_test(each_byte_has_its_places),
        cmocka_unit_test(parameters_are_read),
        cmocka_unit_test(xtext_goes_and_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
