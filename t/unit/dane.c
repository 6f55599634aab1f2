/* SPDX-License-Identifier: Apache-2.0
 *
 * What a server's certificate proves against TLSA records.
 */
#include "net/dane.h"
#include "net/digest.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "t/lib/pair.h"
#include "unit.h"

/* Two chains: root -> middle -> mx.example, as the server sends it without the root. The other
 * servers' are of the same root. */
static struct world w;
static struct ca_cert middle, mx, expired, stranger;
static struct tls *with_middle, *has_expired;

static struct tls *server_of(const char *name, const struct ca_cert *c,
                             const struct ca_cert *issuer)
{
    const char *file = ca_write(name, c, issuer, CA_CERT | CA_ISSUER | CA_KEY, NULL);

    return pair_server(&file, 1, NULL);
}

static int set_up(void **state)
{
    (void)state;
    w = world_make();
    middle = ca_make(&(struct ca_wish){.subject = "middle", .issuer = &w.root, .is_ca = 1});
    mx = ca_make(&(struct ca_wish){.subject = "x", .names = "DNS:mx.example", .issuer = &middle});
    expired = ca_make(&(struct ca_wish){.subject = "x",
                                        .names = "DNS:mx.example",
                                        .issuer = &middle,
                                        .from_days = -20,
                                        .to_days = -10});
    stranger = ca_make(&(struct ca_wish){.subject = "stranger", .is_ca = 1});
    with_middle = server_of("with-middle.pem", &mx, &middle);
    has_expired = server_of("expired.pem", &expired, &middle);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tls_free(&with_middle);
    tls_free(&has_expired);
    ca_free(&middle);
    ca_free(&mx);
    ca_free(&expired);
    ca_free(&stranger);
    world_end(&w);
    return 0;
}

/* Selector and matching type, as RFC 6698, 2.1 has them, of a certificate. */
static struct tlsa tlsa_of(uint8_t usage, uint8_t selector, uint8_t matching, const X509 *cert)
{
    struct tlsa t = {.usage = usage, .selector = selector, .matching = matching};
    unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
    int len = selector ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der) : i2d_X509(cert, &der);
    unsigned size = (unsigned)len;

    assert_true(len > 0 && len <= TLSA_DATA);
    if (matching)
        assert_int_equal(1, EVP_Digest(der, (size_t)len, digest, &size,
                                       matching == 1 ? EVP_sha256() : EVP_sha512(), NULL));
    memcpy(t.data, matching ? digest : der, size);
    t.len = (uint16_t)size;
    OPENSSL_free(der);
    return t;
}

enum whose { END, MX, MIDDLE, ROOT, STRANGER, EXPIRED, BROKEN };

static const X509 *cert_of(enum whose whose)
{
    const struct ca_cert *const all[] = {NULL, &mx, &middle, &w.root, &stranger, &expired, &mx};

    return all[whose]->cert;
}

struct wanted {
    uint8_t usage, selector, matching;
    enum whose of;
};

static const struct {
    const char *name;
    struct wanted records[4];
    bool expired; /* what the server shows */
    const char *base, *domain;
    enum dane_state state;
} cases[] = {
    {"3 1 1", {{3, 1, 1, MX}}, false, "mx.example", NULL, DANE_MATCHED},
    {"3 0 1", {{3, 0, 1, MX}}, false, "mx.example", NULL, DANE_MATCHED},
    {"3 1 2", {{3, 1, 2, MX}}, false, "mx.example", NULL, DANE_MATCHED},
    {"3 0 2", {{3, 0, 2, MX}}, false, "mx.example", NULL, DANE_MATCHED},
    {"3 0 0", {{3, 0, 0, MX}}, false, "mx.example", NULL, DANE_MATCHED},
    {"3 1 0", {{3, 1, 0, MX}}, false, "mx.example", NULL, DANE_MATCHED},
    {"2 0 1", {{2, 0, 1, MIDDLE}}, false, "mx.example", NULL, DANE_MATCHED},
    {"2 1 1", {{2, 1, 1, MIDDLE}}, false, "mx.example", NULL, DANE_MATCHED},
    {"2 1 2", {{2, 1, 2, MIDDLE}}, false, "mx.example", NULL, DANE_MATCHED},
    {"2 0 0 of a root that is not sent",
     {{2, 0, 0, ROOT}},
     false,
     "mx.example",
     NULL,
     DANE_MATCHED},
    {"2 1 0 of a root that is not sent",
     {{2, 1, 0, ROOT}},
     false,
     "mx.example",
     NULL,
     DANE_MATCHED},
    {"2 1 1 of a root that is not sent (RFC 7671, 5.2.2)",
     {{2, 1, 1, ROOT}},
     false,
     "mx.example",
     NULL,
     DANE_UNMATCHED},
    {"3 of another key", {{3, 1, 1, STRANGER}}, false, "mx.example", NULL, DANE_UNMATCHED},
    {"3 of the issuer", {{3, 1, 1, MIDDLE}}, false, "mx.example", NULL, DANE_UNMATCHED},
    {"2 of another issuer", {{2, 1, 1, STRANGER}}, false, "mx.example", NULL, DANE_UNMATCHED},
    {"2 of another issuer, whole",
     {{2, 0, 0, STRANGER}},
     false,
     "mx.example",
     NULL,
     DANE_UNMATCHED},
    {"3 and another name (RFC 7672, 3.1.1)",
     {{3, 1, 1, MX}},
     false,
     "b.example",
     NULL,
     DANE_MATCHED},
    {"3, expired (RFC 7672, 3.1.1)", {{3, 1, 1, EXPIRED}}, true, "mx.example", NULL, DANE_MATCHED},
    {"2, expired", {{2, 1, 1, MIDDLE}}, true, "mx.example", NULL, DANE_EXPIRED},
    {"2 and another name", {{2, 1, 1, MIDDLE}}, false, "b.example", NULL, DANE_OTHER_NAME},
    {"2, for the recipients' domain (RFC 7672, 3.2.2)",
     {{2, 1, 1, MIDDLE}},
     false,
     "b.example",
     "mx.example",
     DANE_MATCHED},
    {"2, for neither", {{2, 1, 1, MIDDLE}}, false, "b.example", "c.example", DANE_OTHER_NAME},
    {"the new key and the old one",
     {{3, 1, 1, STRANGER}, {3, 1, 1, MX}},
     false,
     "mx.example",
     NULL,
     DANE_MATCHED},
    {"a wrong 3 and a right 2",
     {{3, 1, 1, STRANGER}, {2, 0, 1, MIDDLE}},
     false,
     "mx.example",
     NULL,
     DANE_MATCHED},
    {"a right 2 beside another one, and another name",
     {{2, 1, 1, STRANGER}, {2, 1, 1, MIDDLE}},
     false,
     "b.example",
     NULL,
     DANE_OTHER_NAME},
    {"one that is broken, and a right one",
     {{3, 0, 0, BROKEN}, {3, 1, 1, MX}},
     false,
     "mx.example",
     NULL,
     DANE_MATCHED},
    {"one that is broken, and a wrong one",
     {{3, 0, 0, BROKEN}, {3, 1, 1, STRANGER}},
     false,
     "mx.example",
     NULL,
     DANE_UNMATCHED},
    {"one that is broken", {{3, 0, 0, BROKEN}}, false, "mx.example", NULL, DANE_UNUSABLE},
    {"none", {{0, 0, 0, END}}, false, "mx.example", NULL, DANE_UNMATCHED},
};

static size_t fill(struct tlsa *to, const struct wanted *from)
{
    size_t count = 0;

    for (; from[count].of != END; count++) {
        to[count] = tlsa_of(from[count].usage, from[count].selector, from[count].matching,
                            cert_of(from[count].of));
        if (from[count].of == BROKEN)
            to[count].len -= 7;
    }
    return count;
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tlsa at[4];
        struct dane d = {.at = at, .base = cases[i].base, .domain = cases[i].domain};
        struct pair p = pair_open(0);

        d.count = fill(at, cases[i].records);
        pair_shake(&p, w.client, cases[i].expired ? has_expired : with_middle, d.base, NULL);
        assert_int_equal(CONN_SOME, p.client_got);
        assert_row(conn_dane_state(&p.client, &d) == cases[i].state, cases[i].name);
        assert_row(conn_dane_state(&p.client, &d) == cases[i].state, cases[i].name);
        pair_close(&p);
        assert_int_equal(DANE_UNMATCHED, conn_dane_state(&p.client, &d));
    }
}

/* What the CAs say of the same certificate is not changed by it. */
static void test_beside_cas(void **state)
{
    struct tlsa right = tlsa_of(3, 1, 1, mx.cert);
    struct dane d = {.at = &right, .count = 1, .base = "other.example"};
    struct pair p = pair_open(0);

    (void)state;
    pair_shake(&p, w.client, with_middle, "mx.example", NULL);
    assert_int_equal(DANE_MATCHED, conn_dane_state(&p.client, &d));
    assert_int_equal(CERT_OK, conn_cert_state(&p.client, "mx.example"));
    assert_int_equal(CERT_OTHER_NAME, conn_cert_state(&p.client, "other.example"));
    pair_close(&p);
}

/* A session that is resumed proves what its certificate proves now, not what it did then. */
static void test_resumed(void **state)
{
    struct tickets *tickets = tickets_new();
    const char *file = ca_write("t.pem", &mx, &middle, CA_CERT | CA_ISSUER | CA_KEY, NULL);
    struct tls *server = pair_server(&file, 1, tickets);
    struct tlsa ee = tlsa_of(3, 1, 1, mx.cert), ta = tlsa_of(2, 0, 1, middle.cert),
                other = tlsa_of(3, 1, 1, stranger.cert);
    struct pair p = pair_open(0);
    struct ssl_session_st *session;
    struct tls_facts facts;

    (void)state;
    pair_shake(&p, w.client, server, "mx.example", NULL);
    pair_talk(&p);
    session = conn_session(&p.client);
    assert_non_null(session);
    pair_close(&p);
    p = pair_open(0);
    pair_shake(&p, w.client, server, "mx.example", session);
    conn_facts(&p.client, &facts);
    assert_true(facts.resumed);
    assert_int_equal(DANE_MATCHED,
                     conn_dane_state(&p.client, &(struct dane){&ee, 1, "mx.example", NULL}));
    assert_int_equal(DANE_MATCHED,
                     conn_dane_state(&p.client, &(struct dane){&ta, 1, "mx.example", NULL}));
    assert_int_equal(DANE_OTHER_NAME,
                     conn_dane_state(&p.client, &(struct dane){&ta, 1, "b.example", NULL}));
    assert_int_equal(DANE_UNMATCHED,
                     conn_dane_state(&p.client, &(struct dane){&other, 1, "mx.example", NULL}));
    pair_close(&p);
    conn_session_free(&session);
    tls_free(&server);
    tickets_free(&tickets);
}

static void name_of(const struct dane *d, char to[DIGEST_TEXT])
{
    struct digest *digest = digest_new();

    dane_digest(d, digest);
    digest_end(&digest, to);
}

static void test_digest(void **state)
{
    struct tlsa at[2] = {tlsa_of(3, 1, 1, mx.cert), tlsa_of(2, 1, 1, middle.cert)};
    const struct dane all[] = {
        {at, 2, "mx.example", "example"},     {at, 1, "mx.example", "example"},
        {at + 1, 1, "mx.example", "example"}, {at, 2, "m.example", "example"},
        {at, 2, "mx.example", NULL},          {at, 0, "mx.example", "example"},
    };
    char a[DIGEST_TEXT], b[DIGEST_TEXT];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(all); i++)
        for (size_t k = 0; k < COUNT_OF(all); k++) {
            name_of(&all[i], a);
            name_of(&all[k], b);
            assert_int_equal(DIGEST_TEXT - 1, strlen(a));
            assert_int_equal(i == k, strcmp(a, b) == 0);
        }
    at[0].usage = 2;
    name_of(&all[1], b);
    at[0].usage = 3;
    name_of(&all[1], a);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_beside_cas),
        cmocka_unit_test(test_resumed),
        cmocka_unit_test(test_digest),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
