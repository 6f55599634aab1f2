/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/dns.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

/* ID, flags, 1 question, `n` answers; "a.b MX IN" is the question, "a.b" being at 12. */
#define HEAD(n) "\0\1\x81\x80\0\1\0" n "\0\0\0\0\1a\1b\0\0\x0f\0\1"
#define NAME "\xc0\x0c"
#define TTL "\0\0\0\x3c"
#define MX(size, pref, name) NAME "\0\x0f\0\1" TTL "\0" size "\0" pref name
#define CNAME NAME "\0\5\0\1" TTL "\0\4\1c\xc0\x0e"

static const struct {
    const char *name;
    struct span message;
    enum dns_type type;
    const char *want; /* "preference name address" each; NULL: malformed */
} cases[] = {
    {"an MX", SPAN(HEAD("\1") MX("\x07", "\x0a", "\2mx" NAME)), DNS_MX, "10 mx.a.b\n"},
    {"capitals", SPAN(HEAD("\1") MX("\x07", "\x0a", "\2MX" NAME)), DNS_MX, "10 mx.a.b\n"},
    {"two, behind an alias",
     SPAN(HEAD("\3") CNAME MX("\x07", "\x0a", "\2mx" NAME) MX("\x08", "\x05", "\3mx2" NAME)),
     DNS_MX, "10 mx.a.b\n5 mx2.a.b\n"},
    {"where aliases lead", SPAN(HEAD("\1") CNAME), DNS_CNAME, "0 c.b\n"},
    {"an alias of no host's name", SPAN(HEAD("\1") NAME "\0\5\0\1" TTL "\0\4\1!\xc0\x0e"),
     DNS_CNAME, "0 ?\n"},
    {"an alias with more behind it", SPAN(HEAD("\1") NAME "\0\5\0\1" TTL "\0\5\1c\xc0\x0e!"),
     DNS_CNAME, NULL},
    {"a dot in a label", SPAN(HEAD("\1") MX("\x07", "\x0a", "\2m." NAME)), DNS_MX, "10 ?\n"},
    {"a NUL in a label", SPAN(HEAD("\1") MX("\x07", "\x0a", "\2m\0" NAME)), DNS_MX, "10 ?\n"},
    {"TLSA", SPAN(HEAD("\1") NAME "\0\x34\0\1" TTL "\0\5\3\1\1\xab\xcd"), DNS_TLSA,
     "0  030101abcd\n"},
    {"TLSA of nothing", SPAN(HEAD("\1") NAME "\0\x34\0\1" TTL "\0\0"), DNS_TLSA, "0  \n"},
    {"null MX", SPAN(HEAD("\1") MX("\3", "\0", "\0")), DNS_MX, "0 \n"},
    {"no host's name", SPAN(HEAD("\1") MX("\x07", "\x0a", "\2m!" NAME)), DNS_MX, "10 ?\n"},
    {"A", SPAN(HEAD("\1") NAME "\0\1\0\1" TTL "\0\4\xc0\0\2\1"), DNS_A, "0  192.0.2.1\n"},
    {"AAAA", SPAN(HEAD("\1") NAME "\0\x1c\0\1" TTL "\0\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"),
     DNS_AAAA, "0  2001:db8::1\n"},
    {"another type", SPAN(HEAD("\1") NAME "\0\1\0\1" TTL "\0\4\xc0\0\2\1"), DNS_AAAA, ""},
    {"another class", SPAN(HEAD("\1") NAME "\0\1\0\3" TTL "\0\4\xc0\0\2\1"), DNS_A, ""},
    {"nothing", SPAN(HEAD("\0")), DNS_MX, ""},
    {"A of five bytes", SPAN(HEAD("\1") NAME "\0\1\0\1" TTL "\0\5\xc0\0\2\1\1"), DNS_A, NULL},
    {"a name that is its own", SPAN("\0\1\x81\x80\0\1\0\0\0\0\0\0\xc0\x0c\0\x0f\0\1"), DNS_MX,
     NULL},
    {"a pointer forward", SPAN(HEAD("\1") "\xc0\x30\0\1\0\1" TTL "\0\4\xc0\0\2\1"), DNS_A, NULL},
    {"a name longer than its record", SPAN(HEAD("\1") MX("\x05", "\x0a", "\2mx" NAME)), DNS_MX,
     NULL},
    {"a name shorter than its record", SPAN(HEAD("\1") MX("\x08", "\x0a", "\2mx" NAME "\0")),
     DNS_MX, NULL},
    {"a label of a kind unknown", SPAN(HEAD("\1") MX("\x07", "\x0a", "\x42mx" NAME)), DNS_MX, NULL},
    {"fewer answers than said", SPAN(HEAD("\2") MX("\x07", "\x0a", "\2mx" NAME)), DNS_MX, NULL},
};

static const char *content(const struct dns_record *r, enum dns_type type)
{
    static char text[ADDR_TEXT + 64];
    char at[ADDR_TEXT];

    text[0] = '\0';
    if (type == DNS_A || type == DNS_AAAA)
        (void)snprintf(text, sizeof text, " %s", addr_text(&r->at, at));
    if (type == DNS_TLSA)
        memcpy(text, " ", 2);
    for (size_t i = 0; type == DNS_TLSA && i < r->content.len; i++)
        (void)snprintf(text + 1 + i * 2, 3, "%02x", (unsigned char)r->content.at[i]);
    return text;
}

static const char *shown(const struct dns_record *r, size_t count, enum dns_type type)
{
    static char text[2048];
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%u %s%s\n", r[i].preference,
                                 r[i].name, content(&r[i], type));
    return text;
}

static void messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct dns_record found[4];
        size_t count = 0;
        bool is = dns_read(cases[i].message, cases[i].type, found, COUNT_OF(found), &count);

        assert_row(is == (cases[i].want != NULL), cases[i].name);
        if (is)
            assert_string_equal(shown(found, count, cases[i].type), cases[i].want);
    }
}

/* A message that was cut off is none. */
static void cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (size_t len = 0; cases[i].want && len < cases[i].message.len; len++) {
            char *copy = malloc(len + 1);
            struct dns_record found[4];
            size_t count;

            memcpy(copy, cases[i].message.at, len);
            assert_row(
                !dns_read((struct span){copy, len}, cases[i].type, found, COUNT_OF(found), &count),
                cases[i].name);
            free(copy);
        }
}

#define MX_HERE(pref) MX("\x07", pref, "\2mx" NAME)

/* Of more MX than there is room for, the best; of one preference, the first. */
static void the_best(void **state)
{
    const struct span message = SPAN(HEAD("\6") MX_HERE("\x32") MX_HERE("\x0a") MX_HERE("\x28")
                                         MX_HERE("\x05") MX_HERE("\x28") MX_HERE("\x14"));
    struct dns_record found[3];
    size_t count;

    (void)state;
    assert_true(dns_read(message, DNS_MX, found, 3, &count));
    assert_string_equal(shown(found, count, DNS_MX), "5 mx.a.b\n10 mx.a.b\n20 mx.a.b\n");
    assert_true(dns_read(message, DNS_MX, found, 0, &count));
    assert_int_equal(0, count);
}

#define TTL_OF(n) NAME "\0\1\0\1\0\0" n "\0\4\xc0\0\2\1"
/* So many answers and records of authority. */
#define BOTH(n, authority) "\0\1\x81\x80\0\1\0" n "\0" authority "\0\0\1a\1b\0\0\x0f\0\1"

static const struct {
    const char *name;
    struct span message;
    unsigned long life;
} lives[] = {
    {"one record", SPAN(HEAD("\1") TTL_OF("\1\2")), 258},
    {"the least of two", SPAN(HEAD("\2") TTL_OF("\1\2") TTL_OF("\0\x05")), 5},
    {"one that does not hold", SPAN(HEAD("\2") TTL_OF("\1\2") TTL_OF("\0\0")), 0},
    {"authority alone", SPAN(BOTH("\0", "\1") TTL_OF("\0\x07")), 7},
    {"answer and authority", SPAN(BOTH("\1", "\1") TTL_OF("\0\x09") TTL_OF("\0\x08")), 8},
    {"neither", SPAN(HEAD("\0")), 0},
    {"cut off", SPAN(HEAD("\2") TTL_OF("\1\2")), 0},
    {"no message", SPAN("\0\1\x81\x80"), 0},
    {"nothing", SPAN(""), 0},
};

static void life(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lives); i++)
        assert_row(dns_life(lives[i].message) == lives[i].life, lives[i].name);
}

#define A_OF(owner) owner "\0\1\0\1" TTL "\0\4\xc0\0\2\1"
#define ALIAS(owner, target) owner "\0\5\0\1" TTL "\0\4" target

static const struct {
    const char *name;
    struct span message;
    const char *end; /* NULL: malformed */
} chains[] = {
    {"no alias", SPAN(HEAD("\1") A_OF(NAME)), "a.b"},
    {"nothing", SPAN(HEAD("\0")), "a.b"},
    {"one", SPAN(HEAD("\2") ALIAS(NAME, "\1c\xc0\x0e") A_OF("\1c\xc0\x0e")), "c.b"},
    {"two", SPAN(HEAD("\2") ALIAS(NAME, "\1C\xc0\x0e") ALIAS("\1c\xc0\x0e", "\1d\xc0\x0e")), "d.b"},
    {"an alias of somebody else", SPAN(HEAD("\1") ALIAS("\1x\xc0\x0e", "\1c\xc0\x0e")), "a.b"},
    {"a circle", SPAN(HEAD("\2") ALIAS(NAME, "\1c\xc0\x0e") ALIAS("\1c\xc0\x0e", "\1a\xc0\x0e")),
     "a.b"},
    {"to no host's name", SPAN(HEAD("\1") ALIAS(NAME, "\1!\xc0\x0e")), "?"},
    {"an alias that is malformed", SPAN(HEAD("\1") ALIAS(NAME, "\2c\xc0\x0e")), NULL},
    {"no question", SPAN("\0\1\x81\x80\0\0\0\0\0\0\0\0"), NULL},
};

static void ends(void **state)
{
    char name[DNS_NAME];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(chains); i++) {
        const struct span m = chains[i].message;
        bool is = dns_read_end(m, name);

        assert_row(is == (chains[i].end != NULL), chains[i].name);
        if (is)
            assert_string_equal(chains[i].end, name);
        for (size_t len = 0; chains[i].end && len < m.len; len++) {
            char *copy = malloc(len + 1);

            memcpy(copy, m.at, len);
            assert_row(!dns_read_end((struct span){copy, len}, name), chains[i].name);
            free(copy);
        }
    }
}

static void no_more_than_asked_for(void **state)
{
    struct dns_record found[1];
    size_t count;

    (void)state;
    assert_true(dns_read(cases[2].message, DNS_MX, found, 1, &count));
    assert_int_equal(count, 1);
}

#define TXT(size, text) NAME "\0\x10\0\1" TTL "\0" size text

static const struct {
    const char *name;
    struct span message;
    const char *want; /* "[text]" each; NULL: malformed */
} texts[] = {
    {"one string", SPAN(HEAD("\1") TXT("\4", "\3abc")), "[abc]"},
    {"several strings are one", SPAN(HEAD("\1") TXT("\x08", "\3abc\0\2de")), "[abcde]"},
    {"two records", SPAN(HEAD("\2") TXT("\2", "\1a") TXT("\2", "\1b")), "[a][b]"},
    {"behind an alias", SPAN(HEAD("\2") CNAME TXT("\2", "\1a")), "[a]"},
    {"an empty one", SPAN(HEAD("\1") TXT("\1", "\0")), "[]"},
    {"none", SPAN(HEAD("\0")), ""},
    {"another type", SPAN(HEAD("\1") NAME "\0\1\0\1" TTL "\0\4\xc0\0\2\1"), ""},
    {"another class", SPAN(HEAD("\1") NAME "\0\x10\0\3" TTL "\0\2\1a"), ""},
    {"a string longer than its record", SPAN(HEAD("\1") TXT("\3", "\3ab")), NULL},
    {"one that does is enough", SPAN(HEAD("\2") TXT("\2", "\1a") TXT("\1", "\1")), NULL},
};

static void note_text(void *arg, struct span text)
{
    char *to = arg;

    snprintf(to + strlen(to), 64, "[%.*s]", SPAN_ARG(text));
}

static void all_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        char got[128] = "";
        bool is = dns_read_texts(texts[i].message, note_text, got);

        assert_row(is == (texts[i].want != NULL), texts[i].name);
        assert_string_equal(got, is ? texts[i].want : "");
        for (size_t len = 0; is && len < texts[i].message.len; len++)
            assert_row(!dns_read_texts((struct span){texts[i].message.at, len}, note_text, got),
                       texts[i].name);
    }
}

/* A text that is too long is no text, and the next one is read. */
static void a_long_text(void **state)
{
    char message[2048] = "\0\1\x81\x80\0\0\0\2\0\0\0", got[2048] = "";
    size_t at = 12, strings = DNS_TEXT / 256 + 1;

    (void)state;
    memcpy(message + at, "\0\0\x10\0\1\0\0\0\0", 9);
    message[at + 9] = (char)(strings * 256 >> 8);
    at += 11;
    for (size_t i = 0; i < strings; i++, at += 256) {
        memset(message + at, 'x', 256);
        message[at] = (char)0xff;
    }
    memcpy(message + at, "\0\0\x10\0\1\0\0\0\0\0\2\1a", 13);
    assert_true(dns_read_texts((struct span){message, at + 13}, note_text, got));
    assert_string_equal(got, "[a]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(messages),
                                       cmocka_unit_test(cut),
                                       cmocka_unit_test(the_best),
                                       cmocka_unit_test(ends),
                                       cmocka_unit_test(no_more_than_asked_for),
                                       cmocka_unit_test(all_texts),
                                       cmocka_unit_test(life),
                                       cmocka_unit_test(a_long_text)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
