/* SPDX-License-Identifier: Apache-2.0
 *
 * Pseudonyms: the vectors of SipHash's reference and of RFC 4231, what a record repeats of its
 * recipient, and policies that are none. RFC 4231's others differ in lengths only.
 */
#include "acct/privacy.h"

#include <stdio.h>

#include "acct/hmac.h"
#include "acct/pseudonym.h"
#include "t/lib/accounts.h"

#define REDACT LIST("redact", "X")
#define KEY_00_0F "000102030405060708090a0b0c0d0e0f"

static struct pseudonym *made(struct texts policy)
{
    bool lost;
    struct pseudonym *p;

    assert_null(pseudonym_objection(policy));
    p = pseudonym_new(policy, &lost);
    assert_false(lost);
    assert_non_null(p);
    return p;
}

/* vectors_sip64 of the reference: of no bytes, of 00, of 00 01, ... */
static const char *const sips[] = {
    "310e0edd47db6f72", "fd67dc93c539f874", "5a4fa9d909806c0d", "2d7efbd796666785",
    "b7877127e09427cf", "8da699cd64557618", "cee3fe586e46c9cb", "37d1018bf50002ab",
    "6224939a79f5f593", "b0e4a90bdf82009e",
};

static void siphash_vectors(void **state)
{
    struct pseudonym *p = made((struct texts)LIST("SipHash-HexKey", KEY_00_0F));
    char to[PSEUDONYM_TEXT];

    (void)state;
    for (size_t len = 0; len < COUNT_OF(sips); len++) {
        static const char bytes[] = "\0\1\2\3\4\5\6\7\10";
        size_t got = pseudonym_make(p, (struct span){bytes, len}, to);

        assert_span(((struct span){to, got}), sips[len]);
    }
    pseudonym_free(&p);
}

#define TIMES20(c) c c c c c c c c c c c c c c c c c c c c
static const struct {
    struct span key, data;
    const char *mac;
} macs[] = {
    {SPAN(TIMES20("\x0b")), SPAN("Hi There"),
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {SPAN("Jefe"), SPAN("what do ya want for nothing?"),
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {SPAN(TIMES20("\xaa")),
     SPAN(TIMES20("\xdd") TIMES20("\xdd") "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"
                                          "\xdd\xdd"),
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {SPAN(TIMES20("\xaa") TIMES20("\xaa") TIMES20("\xaa") TIMES20("\xaa") TIMES20("\xaa")
              TIMES20("\xaa") "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"),
     SPAN("Test Using Larger Than Block-Size Key - Hash Key First"),
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
};

static void hmac_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(macs); i++) {
        struct hmac *h = hmac_new(macs[i].key);
        unsigned char out[HMAC_BYTES];
        char hex[2 * HMAC_BYTES + 1];

        assert_non_null(h);
        for (int again = 0; again < 2; again++) {
            assert_true(hmac_make(h, macs[i].data, out));
            for (size_t b = 0; b < sizeof out; b++)
                snprintf(hex + 2 * b, 3, "%02x", out[b]);
            assert_string_equal(hex, macs[i].mac);
        }
        hmac_free(&h);
    }
}

/* As `printf joe | openssl mac -digest SHA256 -macopt key:0123456789abcdef HMAC` has it; the same
 * with -macopt key:... -macopt size:8 SIPHASH. */
static const struct {
    struct texts policy;
    const char *text;
} words[] = {
    {LIST("redact"), "redacted@x.test"},
    {LIST("REDACT", "-*-"), "-*-@x.test"},
    {LIST("siphash", "0123456789abcdef"), "5f7deec95c6c8e94@x.test"},
    {LIST("siphash-hexkey", "30313233343536373839616263646566"), "5f7deec95c6c8e94@x.test"},
    {LIST("hmac-sha256", "0123456789abcdef"),
     "7adcb1a49d1a5e30dc63162fb885077fa6a5d5814ac2683337fc8ad06d7f0bc8@x.test"},
    {LIST("hmac-sha256-hexkey", "30313233343536373839616263646566"),
     "7adcb1a49d1a5e30dc63162fb885077fa6a5d5814ac2683337fc8ad06d7f0bc8@x.test"},
};

static void policies(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        bool lost;
        struct privacy *p = privacy_new(words[i].policy, &lost);
        struct record r = {.at = 1};

        r.column[COLUMN_rcpt] = SPAN("Joe@x.test");
        assert_non_null(p);
        privacy_apply(p, &r);
        assert_span(r.column[COLUMN_rcpt], words[i].text);
        privacy_free(&p);
    }
}

static void retain_is_none(void **state)
{
    bool lost = true;

    (void)state;
    assert_null(pseudonym_objection((struct texts)LIST("retain")));
    assert_null(privacy_new((struct texts)LIST("retain"), &lost));
    assert_false(lost);
}

/* Addresses of one mailbox have one pseudonym; others have others. */
static void same_and_other(void **state)
{
    static const char *const same[] = {
        "Joe.S@a.test",       "joe.s@a.test", "\"joe.s\"@b.test",
        "\"J\\oe.S\"@a.test", "JOE.S",        "@r.test,@q.test:joe.s@a.test"};
    struct texts policies_[] = {LIST("siphash-hexkey", KEY_00_0F),
                                LIST("siphash-hexkey", "100102030405060708090a0b0c0d0e0f"),
                                LIST("hmac-sha256-hexkey", KEY_00_0F),
                                LIST("hmac-sha256-hexkey", KEY_00_0F "01")};
    char seen[COUNT_OF(policies_)][80] = {{0}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(policies_); i++) {
        bool lost;
        struct privacy *p = privacy_new(policies_[i], &lost);

        for (size_t k = 0; k < COUNT_OF(same); k++) {
            struct record r = {.at = 1};
            struct span got;

            r.column[COLUMN_rcpt] = span_of(same[k]);
            privacy_apply(p, &r);
            got = r.column[COLUMN_rcpt];
            if (got.at[0] == '@')
                span_cut(&got, ':');
            got = span_cut(&got, '@');
            if (k == 0)
                snprintf(seen[i], sizeof seen[i], "%.*s", SPAN_ARG(got));
            assert_span(got, seen[i]);
        }
        for (size_t other = 0; other < i; other++)
            assert_string_not_equal(seen[i], seen[other]);
        privacy_free(&p);
    }
}

/* clang-format off */
static const struct {
    enum column c;
    const char *rcpt, *value, *hidden;
} repeats[] = {
    {COLUMN_rcpt, "", "", ""},
    {COLUMN_rcpt, "joe@x.test", "joe@x.test", "X@x.test"},
    {COLUMN_rcpt, "postmaster", "postmaster", "X"},
    {COLUMN_rcpt, "@x.test", "@x.test", "@x.test"},
    {COLUMN_rcpt, "\"\"@x.test", "\"\"@x.test", "X@x.test"},
    {COLUMN_rcpt, "\"a@b\\\"c\"@x.test", "\"a@b\\\"c\"@x.test", "X@x.test"},
    {COLUMN_rcpt, "\"a@b", "\"a@b", "X@b"},
    {COLUMN_rcpt, "\"a b\"", "\"a b\"", "X"},
    {COLUMN_rcpt, "a@b@x.test", "a@b@x.test", "X@x.test"},
    {COLUMN_rcpt, "@a.test,@b.test:joe@x.test", "@a.test,@b.test:joe@x.test", "@a.test,@b.test:X@x.test"},
    {COLUMN_rcpt, "j\xc3\xb6@x.test", "j\xc3\xb6@x.test", "X@x.test"},
    {COLUMN_rcpt, "joe@[192.0.2.1]", "joe@[192.0.2.1]", "X@[192.0.2.1]"},
    {COLUMN_orcpt, "joe@x.test", "rfc822;Joe@X.test", "rfc822;X@X.test"},
    {COLUMN_orcpt, "joe@x.test", "rfc822;alias@y.test", "rfc822;X@y.test"},
    {COLUMN_orcpt, "joe@x.test", "alias@y.test", "X@y.test"},
    {COLUMN_orcpt, "joe@x.test", "rfc822;", "rfc822;"},
    {COLUMN_dsnDiag, "joe@x.test", "smtp;550 5.1.1 <JOE@x.test>: joe unknown", "smtp;550 5.1.1 <X@x.test>: X unknown"},
    {COLUMN_dsnDiag, "joe@x.test", "smtp;550 5.1.1 joel, ajoe, joe1, jo, joe", "smtp;550 5.1.1 joel, ajoe, joe1, jo, X"},
    {COLUMN_dsnDiag, "joe@x.test", "smtp;550 'joe' (joe)joe.joe;joe/joe", "smtp;550 'X' (X)X.X;X/X"},
    {COLUMN_dsnDiag, "joe@x.test", "smtp;550 5.1.1 joe\xc3\xb6 \xc3\xb6joe", "smtp;550 5.1.1 joe\xc3\xb6 \xc3\xb6joe"},
    {COLUMN_dsnDiag, "j\xc3\xb6@x.test", "smtp;550 5.1.1 <j\xc3\xb6@x.test>", "smtp;550 5.1.1 <X@x.test>"},
    {COLUMN_dsnDiag, "joe@x.test", "joe", "X"},
    {COLUMN_dsnDiag, "550@x.test", "smtp;550 5.1.1 550 unknown", "smtp;550 5.1.1 X unknown"},
    {COLUMN_dsnDiag, "5@x.test", "smtp;550 5.1.1 5 5.1", "smtp;550 5.1.1 X X.1"},
    {COLUMN_dsnDiag, "5@x.test", "smtp;550 5.1 5", "smtp;550 X.1 X"},
    {COLUMN_dsnDiag, "smtp@x.test", "smtp;550 smtp", "smtp;550 X"},
    {COLUMN_dsnDiag, "joe+tag@x.test", "smtp;550 joe+tag@x.test joe joe%2Btag", "smtp;550 X@x.test X X%2Btag"},
    {COLUMN_dsnDiag, "+tag@x.test", "smtp;550 +tag tag", "smtp;550 X tag"},
    {COLUMN_dsnDiag, "\"joe b\"@x.test", "smtp;550 \"Joe B\"@x.test joe b", "smtp;550 X@x.test X"},
    {COLUMN_dsnDiag, "@x.test", "smtp;550 no", "smtp;550 no"},
    {COLUMN_orig, "joe@x.test", "bounce+joe=x.test@list.test", "bounce+X=x.test@list.test"},
    {COLUMN_orig, "joe@x.test", "joe=x.test@list.test", "X=x.test@list.test"},
    {COLUMN_orig, "joe@x.test", "prvs=4123abcdef=Joe=X.test@list.test", "prvs=4123abcdef=X=X.test@list.test"},
    {COLUMN_orig, "joe@x.test", "prvs=4123abcdef=joe@x.test", "prvs=4123abcdef=X@x.test"},
    {COLUMN_orig, "joe@x.test", "SRS0=HHH=TT=x.test=joe@fwd.test", "SRS0=HHH=TT=x.test=X@fwd.test"},
    {COLUMN_orig, "joe@x.test", "joe@x.test", "X@x.test"},
    {COLUMN_orig, "info@x.test", "info@y.test", "info@y.test"},
    {COLUMN_orig, "info@x.test", "info@mail.x.test", "info@mail.x.test"},
    {COLUMN_orig, "info@x.test", "info@x.tests", "info@x.tests"},
    {COLUMN_orig, "joe@x.test", "bigjoe=x.test@list.test", "bigjoe=x.test@list.test"},
    {COLUMN_orig, "joe@x.test", "", ""},
    {COLUMN_envId, "joe@x.test", "job7-joe@x.test", "job7-X@x.test"},
    {COLUMN_envId, "joe@x.test", "job-joe", "job-joe"},
    {COLUMN_jobId, "joe@x.test", "joe@x.test/7", "X@x.test/7"},
    {COLUMN_rcvSmtpUser, "joe@x.test", "joe@x.test", "X@x.test"},
    {COLUMN_rcvSmtpUser, "joe@x.test", "joe", "joe"},
    {COLUMN_queue, "joe@x.test", "x.test/{default}", "x.test/{default}"},
    {COLUMN_srcMta, "joe@x.test", "joe (192.0.2.1)", "joe (192.0.2.1)"},
};
/* clang-format on */

/* The original recipient is not to be named either; and bytes that are cut off are not read. */
static void repeated(void **state)
{
    bool lost;
    struct privacy *p = privacy_new((struct texts)REDACT, &lost);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(repeats); i++) {
        struct record r = {.at = 1};

        r.column[COLUMN_rcpt] = span_of(repeats[i].rcpt);
        r.column[repeats[i].c] = span_of(repeats[i].value);
        privacy_apply(p, &r);
        assert_span(r.column[repeats[i].c], repeats[i].hidden);
        for (size_t len = 0; len < strlen(repeats[i].value); len++) {
            char cut[128];
            struct span whole = {memcpy(cut, repeats[i].value, len), len};

            memset(&r, 0, sizeof r);
            r.column[COLUMN_rcpt] = span_of(repeats[i].rcpt);
            r.column[repeats[i].c] = whole;
            privacy_apply(p, &r);
        }
    }
    privacy_free(&p);
}

static void original_too(void **state)
{
    bool lost;
    struct privacy *p = privacy_new((struct texts)REDACT, &lost);
    struct record r = {.at = 1};

    (void)state;
    r.column[COLUMN_rcpt] = SPAN("joe@x.test");
    r.column[COLUMN_orcpt] = SPAN("rfc822;alias@y.test");
    r.column[COLUMN_dsnDiag] = SPAN("smtp;550 alias, joe");
    r.column[COLUMN_orig] = SPAN("b-alias=y.test-joe@z.test");
    record_add_header(&r, SPAN("To"), SPAN("Alias <alias@y.test>"));
    record_add_header(&r, SPAN("Cc"), SPAN("joe and alias"));
    privacy_apply(p, &r);
    assert_span(r.column[COLUMN_dsnDiag], "smtp;550 X, X");
    assert_span(r.column[COLUMN_orig], "b-X=y.test-joe@z.test");
    assert_span(r.header[0].value, "X <X@y.test>");
    assert_span(r.header[1].value, "joe and alias");
    privacy_free(&p);
}

/* Of joe.smith nothing is left because joe is one of them, too. */
static void longest_first(void **state)
{
    bool lost;
    struct privacy *p = privacy_new((struct texts)REDACT, &lost);
    struct record r = {.at = 1};

    (void)state;
    r.column[COLUMN_rcpt] = SPAN("joe@x.test");
    r.column[COLUMN_orcpt] = SPAN("rfc822;joe.smith@y.test");
    r.column[COLUMN_dsnDiag] = SPAN("smtp;550 joe.smith, joe");
    privacy_apply(p, &r);
    assert_span(r.column[COLUMN_dsnDiag], "smtp;550 X, X");
    privacy_free(&p);
}

/* However often it is repeated, and however long the pseudonym is. */
static void stays_small(void **state)
{
    static char diag[RECORD_MAX];
    bool lost;
    struct privacy *p = privacy_new((struct texts)LIST("hmac-sha256-hexkey", KEY_00_0F), &lost);
    struct record r = {.at = 1};

    (void)state;
    for (size_t i = 0; i < sizeof diag; i++)
        diag[i] = i % 2 ? ' ' : 'a';
    r.column[COLUMN_rcpt] = SPAN("a@x.test");
    r.column[COLUMN_dsnDiag] = (struct span){diag, sizeof diag};
    privacy_apply(p, &r);
    assert_int_equal(r.column[COLUMN_dsnDiag].len, RECORD_MAX);
    assert_null(memmem(r.column[COLUMN_dsnDiag].at, RECORD_MAX, "a a", 3));
    r.column[COLUMN_rcpt] = (struct span){diag, sizeof diag};
    privacy_apply(p, &r);
    assert_int_equal(r.column[COLUMN_rcpt].len, 64);
    privacy_free(&p);
}

static const struct texts wrong_ones[] = {
    {NULL, 0},
    LIST("secret"),
    LIST("retain", "x"),
    LIST("redact", "a@b"),
    LIST("redact", ""),
    LIST("redact", "a b"),
    LIST("redact", "a", "b"),
    LIST("redact", "1234567890123456789012345678901234567890123456789012345678901234x"),
    LIST("siphash"),
    LIST("siphash", "secret"),
    LIST("siphash", "0123456789abcdefg"),
    LIST("siphash", "0123456789abcdef", "secret"),
    LIST("siphash-hexkey", "0123456789abcdef"),
    LIST("siphash-hexkey", KEY_00_0F "0"),
    LIST("siphash-hexkey", "g" KEY_00_0F),
    LIST("hmac-sha256", "secret"),
    LIST("hmac-sha256-hexkey", "00"),
    LIST("hmac-sha256-hexkey", KEY_00_0F "x0"),
};

static void wrong_policies(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong_ones); i++) {
        const char *bad = pseudonym_objection(wrong_ones[i]);

        assert_non_null(bad);
        assert_null(strstr(bad, "secret"));
    }
}

/* Two files of one record, each with its own policy; and the record stays what it was. */
static void a_file_has_its_own(void **state)
{
    const struct account_fields fields = {"d", LIST("rcpt")};
    struct account_conf conf = {
        .records = LIST("d"), .fields = &fields, .fields_count = 1, .user_string = ""};
    struct account *plain, *redacted;
    struct record r = {.at = 1};
    char why[256];
    struct buf b;

    (void)state;
    plain = account_new(&conf, why, sizeof why);
    conf.privacy = (struct texts)REDACT;
    redacted = account_new(&conf, why, sizeof why);
    r.column[COLUMN_type] = SPAN("d");
    r.column[COLUMN_rcpt] = SPAN("joe@x.test");
    buf_init(&b, 1 << 20);
    assert_true(account_row(redacted, &b, &r));
    assert_true(account_row(plain, &b, &r));
    assert_span(buf_peek(&b), "d,X@x.test\r\nd,joe@x.test\r\n");
    buf_clear(&b);
    account_free(&redacted);
    account_free(&plain);
    conf.privacy = (struct texts)LIST("siphash", "secret");
    assert_null(account_new(&conf, why, sizeof why));
    assert_null(strstr(why, "secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_vectors),    cmocka_unit_test(hmac_vectors),
        cmocka_unit_test(policies),           cmocka_unit_test(retain_is_none),
        cmocka_unit_test(same_and_other),     cmocka_unit_test(repeated),
        cmocka_unit_test(original_too),       cmocka_unit_test(longest_first),
        cmocka_unit_test(stays_small),        cmocka_unit_test(wrong_policies),
        cmocka_unit_test(a_file_has_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
