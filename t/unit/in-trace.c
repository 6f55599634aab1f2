/* SPDX-License-Identifier: Apache-2.0
 *
 * The Received line of ours, and that nobody can write into it.
 */
#include "t/unit/unit.h"

#include "base/text.h"
#include "proxy-in/trace.h"

enum { NOW = 1767225600 }; /* Thu, 1 Jan 2026 */

static const struct tls_facts tls = {.protocol = "TLSv1.3",
                                     .cipher = "TLS_AES_256_GCM_SHA384",
                                     .bits = 256,
                                     .group = "x25519",
                                     .verify = "none"};
static const struct tls_facts known = {.protocol = "TLSv1.2",
                                       .cipher = "ECDHE-RSA-AES128-GCM-SHA256",
                                       .bits = 128,
                                       .verify = "ok",
                                       .peer_subject = "CN=c.example",
                                       .peer_fingerprint = "00"};

static const struct tls_facts bad = {.protocol = "TLSv1.3",
                                     .cipher = "TLS_AES_128_GCM_SHA256",
                                     .bits = 128,
                                     .verify = "expired",
                                     .peer_subject = "CN=b\xc3\xbc (c)",
                                     .peer_fingerprint = "00"};

#define CLEAR "Received: from c.example (unknown [192.0.2.7])\r\n"
#define BY(with)                             \
    "\tby mx.example (sallyport) with " with \
    "\r\n\tid 7F3A;\r\n\tThu, 1 Jan 2026 00:00:00 +0000\r\n"
#define TLS                                                              \
    "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256 bits)\r\n" \
    "\t key exchange x25519\r\n\t no client certificate)\r\n"

/* clang-format off */
static const struct {
    const char *name, *client;
    struct trace t;
    const char *line;
} lines[] = {
    {"HELO", "192.0.2.7:1", {.helo = "c.example"}, CLEAR BY("SMTP")},
    {"HELO over TLS has no word of its own", "192.0.2.7:1", {.helo = "c.example", .tls = &tls}, CLEAR TLS BY("SMTP")},
    {"EHLO", "192.0.2.7:1", {.helo = "c.example", .extended = true}, CLEAR BY("ESMTP")},
    {"TLS", "192.0.2.7:1", {.helo = "c.example", .extended = true, .tls = &tls}, CLEAR TLS BY("ESMTPS")},
    {"AUTH", "192.0.2.7:1", {.helo = "c.example", .extended = true, .authenticated = true}, CLEAR BY("ESMTPA")},
    {"both", "192.0.2.7:1", {.helo = "c.example", .extended = true, .authenticated = true, .tls = &tls}, CLEAR TLS BY("ESMTPSA")},
    {"SMTPUTF8", "192.0.2.7:1", {.helo = "c.example", .extended = true, .utf8 = true}, CLEAR BY("UTF8SMTP")},
    {"SMTPUTF8 with both", "192.0.2.7:1", {.helo = "c.example", .extended = true, .utf8 = true, .authenticated = true, .tls = &tls}, CLEAR TLS BY("UTF8SMTPSA")},
    {"a certificate that holds", "192.0.2.7:1", {.helo = "c.example", .extended = true, .tls = &known},
     CLEAR "\t(using TLSv1.2 with cipher ECDHE-RSA-AES128-GCM-SHA256 (128 bits)\r\n"
     "\t client certificate \"CN=c.example\"\r\n\t verified)\r\n" BY("ESMTPS")},
    {"one that does not, of a name that is not ASCII", "192.0.2.7:1", {.helo = "c.example", .extended = true, .tls = &bad},
     CLEAR "\t(using TLSv1.3 with cipher TLS_AES_128_GCM_SHA256 (128 bits)\r\n"
     "\t client certificate \"CN=b?? \\(c\\)\"\r\n\t not verified: expired)\r\n" BY("ESMTPS")},
    {"which may be so in UTF-8", "192.0.2.7:1", {.helo = "c.example", .utf8 = true, .tls = &bad},
     CLEAR "\t(using TLSv1.3 with cipher TLS_AES_128_GCM_SHA256 (128 bits)\r\n"
     "\t client certificate \"CN=b\xc3\xbc \\(c\\)\"\r\n\t not verified: expired)\r\n" BY("UTF8SMTPS")},
    {"IPv6", "[2001:db8::7]:1", {.helo = "[IPv6:2001:db8::7]", .extended = true},
     "Received: from [IPv6:2001:db8::7] (unknown [IPv6:2001:db8::7])\r\n" BY("ESMTP")},
    {"no name", "192.0.2.7:1", {.helo = NULL}, "Received: from unknown (unknown [192.0.2.7])\r\n" BY("SMTP")},
    {"a name that would be more", "192.0.2.7:1", {.helo = "a (b) by x;\r\nX: y\"\\<@"},
     "Received: from a??b??by?x???X:?y???? (unknown [192.0.2.7])\r\n" BY("SMTP")},
    {"UTF-8 where it may not be", "192.0.2.7:1", {.helo = "b\xc3\xbc.example"}, "Received: from b??.example (unknown [192.0.2.7])\r\n" BY("SMTP")},
    {"UTF-8 where it may be", "192.0.2.7:1", {.helo = "b\xc3\xbc.example", .extended = true, .utf8 = true},
     "Received: from b\xc3\xbc.example (unknown [192.0.2.7])\r\n" BY("UTF8SMTP")},
};
/* clang-format on */

static struct span make(struct buf *to, struct trace t, const char *client, const char *name)
{
    assert_true(addr_read_port(span_of(client), &t.client));
    t.host = "mx.example";
    t.session = "7F3A";
    buf_init(to, TRACE_MAX);
    assert_row(trace_make(to, &t, NOW), name);
    return buf_peek(to);
}

static void writes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct buf b;
        struct span made = make(&b, lines[i].t, lines[i].client, lines[i].name);

        if (!span_is(made, lines[i].line))
            print_error("%.*s", SPAN_ARG(made));
        assert_row(span_is(made, lines[i].line), lines[i].name);
        buf_clear(&b);
    }
}

/* Every line but the first goes on with the field, no comment ends early, none is too long. */
static void assert_one_field(struct span made, const char *name)
{
    unsigned depth = 0;

    for (size_t at = 0, begin = 0; at < made.len; at++) {
        if (made.at[at] == '\\' && depth > 0)
            at++;
        else if (made.at[at] == '(')
            depth++;
        else if (made.at[at] == ')')
            assert_row(depth-- > 0, name);
        if (made.at[at] != '\n')
            continue;
        assert_row(made.at[at - 1] == '\r' && at - begin <= 998, name);
        begin = at + 1;
        assert_row(begin == made.len || made.at[begin] == '\t', name);
    }
    assert_row(depth == 0 && made.len > 2 && made.at[made.len - 1] == '\n', name);
    assert_null(memchr(made.at, '\0', made.len));
}

/* Whatever a client calls itself and its certificate, at any length. */
static void keeps_its_form(void **state)
{
    static const char evil[] = "()\\\"\r\n\t;<>@\x7f\x80\xc3\xbc a.";

    (void)state;
    for (size_t len = 0; len < 700; len += 7)
        for (size_t shift = 0; shift < sizeof evil - 1; shift++) {
            char text[701] = "";
            struct tls_facts facts = known;
            struct buf b;

            for (size_t i = 0; i < len; i++)
                text[i] = shift == 0 ? '(' : evil[(i * shift + shift) % (sizeof evil - 1)];
            text_copy(facts.peer_subject, sizeof facts.peer_subject, span_of(text));
            text_copy(facts.verify, sizeof facts.verify, span_of(text));
            for (int kind = 0; kind < 4; kind++) {
                struct trace t = {
                    .helo = text, .tls = &facts, .extended = kind & 1, .utf8 = kind & 2};

                assert_one_field(make(&b, t, "[2001:db8::7]:1", text), text);
                buf_clear(&b);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes),
        cmocka_unit_test(keeps_its_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
