/* SPDX-License-Identifier: Apache-2.0
 *
 * Files with keys: what is taken, and what is said of the rest.
 */
#include "net/cert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>

#include "t/lib/ca.h"

static struct ca_cert root, plain, other;

static int set_up(void **state)
{
    (void)state;
    root = ca_make(&(struct ca_wish){.subject = "root", .is_ca = 1});
    plain = ca_make(&(struct ca_wish){
        .subject = "mx", .names = "DNS:mx.example,DNS:*.mx.example", .issuer = &root});
    other = ca_make(&(struct ca_wish){
        .subject = "o", .names = "DNS:MX.example", .issuer = &root, .type = "RSA"});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ca_free(&root);
    ca_free(&plain);
    ca_free(&other);
    ca_sweep();
    return 0;
}

static void reads(const char *file, const char *password, const char *expected)
{
    struct cert c;
    char why[256] = "";
    bool ok = cert_read(&c, &(struct cert_file){file, password}, why, sizeof why);

    if (!*expected) {
        assert_string_equal("", why);
        assert_true(ok);
        assert_non_null(c.leaf);
        assert_non_null(c.key);
        cert_clear(&c);
        return;
    }
    assert_false(ok);
    if (!strstr(why, expected) || !strstr(why, file))
        fail_msg("\"%s\" does not say \"%s\" of %s", why, expected, file);
    assert_null(strchr(why, '\n'));
}

static void test_good_files(void **state)
{
    const int whole = CA_KEY | CA_CERT | CA_ISSUER;

    (void)state;
    reads(ca_write("plain.pem", &plain, &root, whole, NULL), "", "");
    reads(ca_write("plain.pem", &plain, &root, whole, NULL), "needless", "");
    reads(ca_write("locked.pem", &plain, &root, whole, "sesame"), "sesame", "");
    reads(ca_write("rsa.pem", &other, &root, whole, "sesame"), "sesame", "");
    reads(ca_write("bare.pem", &plain, &root, CA_KEY | CA_CERT, NULL), "", "");
}

static void test_key_types(void **state)
{
    static const char *const types[] = {"EC", "P-384", "RSA", "ED25519"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct ca_cert c = ca_make(&(struct ca_wish){.subject = "k",
                                                     .names = "DNS:a.example,DNS:b.example",
                                                     .issuer = &root,
                                                     .type = types[i]});
        const char *file = ca_write("type.pem", &c, &root, CA_KEY | CA_CERT, "sesame");
        struct cert read;
        char why[256] = "", names[CERT_NAMES];

        reads(file, "sesame", "");
        reads(file, "sesam", "wrong password");
        assert_true(cert_read(&read, &(struct cert_file){file, "sesame"}, why, sizeof why));
        cert_names(&read, names);
        assert_string_equal("a.example,b.example", names);
        assert_in_range(cert_until(&read), time(NULL) + 86400 * 29, time(NULL) + 86400 * 31);
        cert_clear(&read);
        ca_free(&c);
    }
}

/* Without names the common one; what is too much is cut, and what is odd is cleaned. */
static void test_names_for_people(void **state)
{
    char many[4096] = "", names[CERT_NAMES];
    struct ca_cert bare = ca_make(&(struct ca_wish){.subject = "a\nb"});

    (void)state;
    for (int i = 0; i < 100; i++)
        (void)snprintf(many + strlen(many), sizeof many - strlen(many), "%sDNS:%d.long.example",
                       i ? "," : "", i);
    struct ca_cert full = ca_make(&(struct ca_wish){.subject = "x", .names = many});

    cert_names(&(struct cert){.leaf = bare.cert}, names);
    assert_string_equal("a?b", names);
    cert_names(&(struct cert){.leaf = full.cert}, names);
    assert_int_equal(sizeof names - 1, strlen(names));
    ca_free(&bare);
    ca_free(&full);
}

/* Any order will do: the leaf is the one that has the key. */
static void test_chain_first(void **state)
{
    struct cert c;
    char why[256];
    const char *file =
        ca_write("order.pem", &plain, &root, CA_KEY | CA_CERT | CA_CHAIN_FIRST, NULL);

    (void)state;
    assert_true(cert_read(&c, &(struct cert_file){file, ""}, why, sizeof why));
    assert_int_equal(0, X509_cmp(c.leaf, plain.cert));
    assert_int_equal(1, sk_X509_num(c.chain));
    assert_int_equal(0, X509_cmp(sk_X509_value(c.chain, 0), root.cert));
    cert_clear(&c);
}

/* As older tools write it: parameters before the key, the key in its own format and locked. */
static void test_old_format(void **state)
{
    const char *file = ca_write("old.pem", &plain, &root, CA_CERT, NULL);
    BIO *to = BIO_new_file(file, "a");

    (void)state;
    BIO_puts(to, "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n");
    assert_true(PEM_write_bio_PrivateKey_traditional(
        to, plain.key, EVP_aes_256_cbc(), (const unsigned char *)"sesame", 6, NULL, NULL));
    BIO_free(to);
    reads(file, "sesame", "");
    reads(file, "guess", "wrong password");
    reads(file, "", "encrypted");
}

static void test_bad_files(void **state)
{
    const char *file;

    (void)state;
    reads("/nonexistent/x.pem", "", "No such file");
    reads("/dev/null", "", "not a PEM file");
    reads(ca_write("empty.pem", &plain, &root, 0, NULL), "", "no private key");
    reads(ca_write("nokey.pem", &plain, &root, CA_CERT, NULL), "", "no private key");
    reads(ca_write("nocert.pem", &plain, &root, CA_KEY, NULL), "", "no certificate");
    reads(ca_write("locked.pem", &plain, &root, CA_KEY | CA_CERT, "sesame"), "guess",
          "wrong password");
    reads(ca_write("locked.pem", &plain, &root, CA_KEY | CA_CERT, "sesame"), "", "encrypted");

    struct ca_cert mixed = {.cert = plain.cert, .key = other.key};

    reads(ca_write("mixed.pem", &mixed, &root, CA_KEY | CA_CERT | CA_ISSUER, NULL), "",
          "does not belong");

    file = ca_write("open.pem", &plain, &root, CA_KEY | CA_CERT, NULL);
    chmod(file, 0644);
    reads(file, "", "chmod o-rwx");
    chmod(file, 0640);
    reads(file, "", "");

    file = ca_write("cut.pem", &plain, &root, CA_KEY | CA_CERT | CA_ISSUER, NULL);
    FILE *to = fopen(file, "a");

    fputs("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", to);
    fclose(to);
    reads(file, "", "damaged");
}

/* A file of any content is an answer, never a crash. */
static void test_cut_anywhere(void **state)
{
    const char *file = ca_write("any.pem", &plain, &root, CA_KEY | CA_CERT | CA_ISSUER, "sesame");
    struct stat st;

    (void)state;
    assert_int_equal(0, stat(file, &st));
    for (off_t len = st.st_size - 1; len >= 0; len -= 61) {
        struct cert c;
        char why[256] = "";

        assert_int_equal(0, truncate(file, len));
        if (cert_read(&c, &(struct cert_file){file, "sesame"}, why, sizeof why))
            cert_clear(&c);
        else
            assert_true(strlen(why) > 0);
    }
}

static void test_names(void **state)
{
    const struct {
        const char *name;
        bool is_for;
    } cases[] = {
        {"mx.example", true},      {"MX.EXAMPLE", true},
        {"a.mx.example", true},    {"A.mx.Example", true},
        {"a.b.mx.example", false}, {"mx", false},
        {"xmx.example", false},    {"", false},
        {".mx.example", false},    {".a.mx.example", false},
        {"mx.example.", true},     {"a.mx.example.", true},
        {"mx.example..", false},   {".", false},
    };
    struct cert c = {.leaf = plain.cert};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (cert_is_for(&c, cases[i].name) != cases[i].is_for)
            fail_msg("%s", cases[i].name);
}

static void test_alike(void **state)
{
    struct ca_cert same =
        ca_make(&(struct ca_wish){.subject = "x", .names = "DNS:*.mx.EXAMPLE,DNS:mx.example"});
    struct ca_cert bare = ca_make(&(struct ca_wish){.subject = "x"});
    struct ca_cert bare_too = ca_make(&(struct ca_wish){.subject = "x", .type = "RSA"});
    struct cert a = {.leaf = plain.cert}, b = {.leaf = same.cert}, c = {.leaf = other.cert},
                d = {.leaf = bare.cert}, e = {.leaf = bare_too.cert};

    (void)state;
    assert_true(cert_is_alike(&a, &b));
    assert_false(cert_is_alike(&a, &c));
    assert_false(cert_is_alike(&c, &a));
    assert_false(cert_is_alike(&a, &d));
    assert_true(cert_is_alike(&d, &e));
    ca_free(&same);
    ca_free(&bare);
    ca_free(&bare_too);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_files),
        cmocka_unit_test(test_chain_first),
        cmocka_unit_test(test_old_format),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_alike),
        cmocka_unit_test(test_key_types),
        cmocka_unit_test(test_names_for_people),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
