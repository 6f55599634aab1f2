/* SPDX-License-Identifier: Apache-2.0
 *
 * Which protocols a client may name, in new sessions and in resumed ones; and the choice of groups
 * and suites of a listener.
 */
#include <openssl/ssl.h>

#include "net/conn.h"
#include "net/tls.h"
#include "t/lib/ca.h"
#include "t/lib/pair.h"
#include "unit.h"

static struct world world;
static const char *file;

static int set_up(void **state)
{
    (void)state;
    world = world_make();
    file = world_file(
        "alpn.pem", &world,
        &(struct ca_wish){.subject = "mx", .names = "DNS:mx.example", .issuer = &world.root});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

static struct pair offer(struct tls *server, const char *protocols, int version,
                         struct ssl_session_st *session)
{
    struct pair p = pair_open(0);

    p.client.tls = tls_begin(world.client);
    SSL_set_fd(p.client.tls, p.client.fd);
    SSL_set_max_proto_version(p.client.tls, version);
    assert_int_equal(0, SSL_set_alpn_protos(p.client.tls, (const unsigned char *)protocols,
                                            (unsigned)strlen(protocols)));
    if (session)
        SSL_set_session(p.client.tls, session);
    pair_shake(&p, world.client, server, NULL, session);
    return p;
}

static const struct {
    const char *offers, *gets; /* NULL: refused */
} cases[] = {
    {"", ""},
    {"\4smtp", "smtp"},
    {"\2h2\10http/1.1\4smtp", "smtp"},
    {"\5esmtp", "esmtp"},
    {"\5esmtp\4smtp", "smtp"},
    {"\10http/1.1", NULL},
    {"\2h2\10http/1.1", NULL},
    {"\4SMTP", NULL},
    {"\3smt", NULL},
    {"\5smtps", NULL},
    {"\4imap\4pop3", NULL},
};

static void outcome(struct pair *p, const char *gets)
{
    const unsigned char *chosen;
    unsigned len;

    if (!gets) {
        assert_int_equal(CONN_FAILED, p->server_got);
        assert_true(p->server.foreign);
        assert_string_equal("no application protocol", p->server.why);
        assert_string_equal("tlsv1 alert no application protocol", p->client.why);
        return;
    }
    assert_int_equal(CONN_SOME, p->server_got);
    assert_int_equal(CONN_SOME, p->client_got);
    assert_false(p->server.foreign);
    SSL_get0_alpn_selected(p->client.tls, &chosen, &len);
    assert_int_equal(strlen(gets), len);
    assert_memory_equal(gets, chosen, len);
}

static void test_protocols(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            struct tickets *tickets = tickets_new();
            struct tls *server = pair_server(&file, 1, tickets);
            struct pair first = offer(server, "", version, NULL), again;

            assert_int_equal(CONN_SOME, first.server_got);
            pair_talk(&first);
            struct ssl_session_st *session = conn_session(&first.client);

            again = offer(server, cases[i].offers, version, session);
            outcome(&again, cases[i].gets);
            if (cases[i].gets)
                assert_true(SSL_session_reused(again.server.tls));
            pair_close(&again);
            again = offer(server, cases[i].offers, version, NULL);
            outcome(&again, cases[i].gets);
            pair_close(&again);
            pair_close(&first);
            conn_session_free(&session);
            tls_free(&server);
            tickets_free(&tickets);
        }
}

/* Another failure is no other protocol. */
static void test_not_foreign(void **state)
{
    struct tls *server = pair_server(&file, 1, NULL);
    struct pair p = pair_open(0);
    size_t len;

    (void)state;
    assert_int_equal(CONN_SOME, conn_write(&p.client, &SPAN("EHLO there\r\n"), 1, &len));
    assert_int_equal(CONN_FAILED, conn_accept_tls(&p.server, server, NULL));
    assert_false(p.server.foreign);
    pair_close(&p);
    tls_free(&server);
}

static void test_choices(void **state)
{
    struct cert_file at = {file, ""};
    char why[256] = "";
    struct tls_server_conf conf = {.certs = {&at, 1},
                                   .ciphersuites = "TLS_CHACHA20_POLY1305_SHA256",
                                   .ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384",
                                   .groups = "P-384:P-256",
                                   .least = TLS_1_2,
                                   .ca_file = ""};
    struct tls *server = tls_server_new(&conf, NULL, why, sizeof why);

    (void)state;
    assert_string_equal("", why);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct pair p = offer(server, "", version, NULL);
        struct tls_facts facts;

        assert_int_equal(CONN_SOME, p.server_got);
        conn_facts(&p.server, &facts);
        assert_string_equal("secp384r1", facts.group);
        assert_string_equal(version == TLS1_3_VERSION ? "TLS_CHACHA20_POLY1305_SHA256"
                                                      : "ECDHE-ECDSA-AES256-GCM-SHA384",
                            facts.cipher);
        pair_close(&p);
    }
    tls_free(&server);
    conf.groups = "P-384:none";
    assert_null(tls_server_new(&conf, NULL, why, sizeof why));
    assert_non_null(strstr(why, "'none' is unknown"));
}

/* Each field counts. */
static void test_same(void **state)
{
    struct cert_file one = {"a", "p"}, other = {"a", "q"};
    const char *files[] = {"x", "y"};
    const struct tls_server_conf base = {
        .certs = {&one, 1}, .ciphers = "c", .ocsp_files = {files, 1}, .session_context = SPAN("s")};
    struct tls_server_conf changed[] = {base, base, base, base, base, base,
                                        base, base, base, base, base, base};
    const struct tls_client_conf call = {.cert = {"a", "p"}, .ciphers = "c"};
    struct tls_client_conf calls[] = {call, call, call, call, call, call, call, call};

    (void)state;
    changed[0].certs.at = &other;
    changed[1].certs.count = 0;
    changed[2].ciphers = "";
    changed[3].ciphersuites = "t";
    changed[4].groups = "g";
    changed[5].ocsp_files.count = 2;
    changed[6].least = TLS_1_3;
    changed[7].ca_file = "ca";
    changed[8].session_context = SPAN("t");
    changed[9].crl_file = "crl";
    changed[10].verify_depth = 1;
    changed[11].offload = true;
    for (size_t i = 0; i < COUNT_OF(changed); i++)
        assert_false(tls_server_is_same(&base, &changed[i]));
    changed[0] = base;
    changed[0].groups = "";
    changed[0].certs.at = &(struct cert_file){"a", "p"};
    assert_true(tls_server_is_same(&base, &changed[0]));
    calls[0].cert.file = "b";
    calls[1].cert.password = "";
    calls[2].ca_file = "ca";
    calls[3].ciphers = NULL;
    calls[4].ciphersuites = "t";
    calls[5].least = TLS_1_3;
    calls[6].security_level = -1;
    calls[7].offload = true;
    for (size_t i = 0; i < COUNT_OF(calls); i++)
        assert_false(tls_client_is_same(&call, &calls[i]));
    assert_true(tls_client_is_same(
        &call, &(struct tls_client_conf){{"a", "p"}, "", "c", .ciphersuites = ""}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_protocols),
        cmocka_unit_test(test_not_foreign),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_same),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
