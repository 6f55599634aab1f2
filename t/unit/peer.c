/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of the other side after a handshake, and what its certificate proves.
 */
#include "net/conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "t/lib/one_world.h"

static void test_facts(void **state)
{
    struct pair p = world_open(&w, 0);
    struct tls_facts ours, theirs;

    (void)state;
    assert_true(conn_is_secure(&p.server));
    conn_facts(&p.client, &ours);
    conn_facts(&p.server, &theirs);
    assert_string_equal("TLSv1.3", theirs.protocol);
    assert_string_equal("TLS_AES_128_GCM_SHA256", theirs.cipher);
    assert_int_equal(128, theirs.bits);
    assert_string_equal(ours.group, theirs.group);
    assert_true(strlen(theirs.group) > 0);
    assert_string_equal("mx.example", theirs.sni);
    assert_string_equal("mx.example", ours.sni);
    assert_string_equal("none", theirs.verify);
    assert_string_equal("", theirs.peer_subject);
    assert_string_equal("ok", ours.verify);
    assert_string_equal("CN=cn.example", ours.peer_subject);
    assert_int_equal(64, strlen(ours.peer_fingerprint));
    assert_false(ours.resumed);
    pair_close(&p);
    conn_facts(&p.client, &ours);
    assert_string_equal("", ours.protocol);
}

/* All dNSNames and nothing else; the common name only where there is no subjectAltName at all. */
static void test_all_names(void **state)
{
    const struct {
        struct ca_wish wish;
        const char *names; /* NULL: none */
    } cases[] = {
        {{.subject = "cn.example", .names = "DNS:a.example,DNS:*.w.example"},
         "a.example *.w.example"},
        {{.subject = "cn.example", .names = "DNS:a b.example,DNS:c.example"}, "c.example"},
        {{.subject = "cn.example", .names = "email:a@a.example"}, NULL},
        {{.subject = "cn.example", .names = "IP:192.0.2.1,URI:http://a.example"}, NULL},
        /* "a.example", NUL, ".evil.example": no name, nor one that ends where C's strings do. */
        {{.subject = "cn.example",
          .names = "DER:30:19:82:17:61:2e:65:78:61:6d:70:6c:65:00:2e:65:76:69:6c:2e:65:78:61:6d:"
                   "70:6c:65"},
         NULL},
        {{.subject = "cn.example"}, "cn.example"},
        {{.subject = "A person"}, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *file = world_file("case.pem", &w, &cases[i].wish);
        struct tls *t = pair_server(&file, 1, NULL);
        struct pair p = pair_open(0);

        pair_shake(&p, w.client, t, "mx.example", NULL);
        char *names = conn_names(&p.client);

        if (strcmp(names ? names : "", cases[i].names ? cases[i].names : "") != 0)
            fail_msg("case %zu: %s", i, names ? names : "none");
        assert_null(conn_names(&p.server));
        free(names);
        pair_close(&p);
        tls_free(&t);
    }
}

/* RFC 9525, 6.3: whole leftmost label, dNSName only. */
static void test_names(void **state)
{
    const struct {
        const char *name;
        enum cert_state state;
    } cases[] = {
        {NULL, CERT_OK},
        {"mx.example", CERT_OK},
        {"MX.Example", CERT_OK},
        {"a.w.example", CERT_OK},
        {"w.example", CERT_OTHER_NAME},
        {"a.b.w.example", CERT_OTHER_NAME},
        {".w.example", CERT_OTHER_NAME},
        {".a.w.example", CERT_OTHER_NAME},
        {".example", CERT_OTHER_NAME},
        {"", CERT_OTHER_NAME},
        {"pa.x.example", CERT_OTHER_NAME}, /* part of a label */
        {"cn.example", CERT_OTHER_NAME},   /* the common name */
    };
    struct pair p = world_open(&w, 0);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (conn_cert_state(&p.client, cases[i].name) != cases[i].state)
            fail_msg("%s", cases[i].name ? cases[i].name : "no name");
    assert_int_equal(CERT_UNTRUSTED, conn_cert_state(&p.server, NULL)); /* no certificate */
    pair_close(&p);
    assert_int_equal(CERT_UNTRUSTED, conn_cert_state(&p.client, "mx.example"));
}

/* Here the session's own CAs are others, who know none of the certificates; those that are asked
 * say the same as if the session had been theirs. */
static void test_cert_states(void **state)
{
    const char *stranger = world_file("stranger.pem", &w, &(struct ca_wish){.subject = "b"});
    struct tls *knows_none = pair_client(stranger);
    struct ca_cert fake = ca_make(&(struct ca_wish){.subject = "root", .is_ca = 1});
    const struct {
        struct ca_wish wish;
        enum cert_state state;
    } cases[] = {
        {{.subject = "a", .names = "DNS:mx.example", .issuer = &w.root}, CERT_OK},
        {{.subject = "a",
          .names = "DNS:mx.example",
          .issuer = &w.root,
          .from_days = -9,
          .to_days = -1},
         CERT_EXPIRED},
        {{.subject = "a",
          .names = "DNS:mx.example",
          .issuer = &w.root,
          .from_days = 1,
          .to_days = 9},
         CERT_EXPIRED},
        {{.subject = "a", .names = "DNS:mx.example"}, CERT_UNTRUSTED},
        {{.subject = "a", .names = "DNS:mx.example", .issuer = &fake}, CERT_UNTRUSTED},
        {{.subject = "a",
          .names = "DNS:mx.example",
          .issuer = &fake,
          .from_days = -9,
          .to_days = -1},
         CERT_UNTRUSTED},
        {{.subject = "mx.example", .issuer = &w.root}, CERT_OTHER_NAME},
        {{.subject = "a", .names = "DNS:mx2.example", .issuer = &w.root}, CERT_OTHER_NAME},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *file = world_file("case.pem", &w, &cases[i].wish);
        struct tls *t = pair_server(&file, 1, NULL);
        struct pair p = pair_open(0);

        pair_shake(&p, w.client, t, "mx.example", NULL);
        assert_int_equal(CONN_SOME, p.client_got); /* proven or not */
        if (conn_cert_state(&p.client, "mx.example") != cases[i].state)
            fail_msg("case %zu: %d", i, conn_cert_state(&p.client, "mx.example"));
        pair_close(&p);
        p = pair_open(0);
        pair_shake(&p, knows_none, t, "mx.example", NULL);
        assert_int_equal(CERT_UNTRUSTED, conn_cert_state(&p.client, "mx.example"));
        if (conn_cert_state_by(&p.client, w.client, "mx.example") != cases[i].state)
            fail_msg("case %zu, by others", i);
        pair_close(&p);
        tls_free(&t);
        assert_int_equal(CERT_UNTRUSTED, conn_cert_state_by(&p.client, w.client, "mx.example"));
    }
    tls_free(&knows_none);
    ca_free(&fake);
}

/* A resumed session brings the result of its first handshake; it may have expired since. */
static void test_expired_since(void **state)
{
    const struct ca_wish wish = {.subject = "a",
                                 .names = "DNS:mx.example",
                                 .issuer = &w.root,
                                 .from_days = -9,
                                 .to_days = -1};
    const char *file = world_file("old.pem", &w, &wish);
    struct tls *t = pair_server(&file, 1, NULL);
    struct pair p = pair_open(0);
    struct tls_facts facts;

    (void)state;
    pair_shake(&p, w.client, t, "mx.example", NULL);
    SSL_set_verify_result(p.client.tls, X509_V_OK);
    assert_int_equal(CERT_EXPIRED, conn_cert_state(&p.client, "mx.example"));
    conn_facts(&p.client, &facts);
    assert_string_equal("expired", facts.verify);
    pair_close(&p);
    tls_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),         cmocka_unit_test(test_all_names),
        cmocka_unit_test(test_names),         cmocka_unit_test(test_cert_states),
        cmocka_unit_test(test_expired_since),
    };

    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
