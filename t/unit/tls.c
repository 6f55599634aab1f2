/* SPDX-License-Identifier: Apache-2.0
 *
 * Which certificate, which protocol, and what is said of a configuration that will not do.
 */
#include "net/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "net/conn.h"
#include "t/lib/ca.h"
#include "t/lib/pair.h"

static struct ca_cert root, mx_ec, mx_rsa, wild, someone, stranger;
static const char *files[3], *ca_file, *someone_file, *stranger_file;

static int set_up(void **state)
{
    const int parts = CA_KEY | CA_CERT;

    (void)state;
    root = ca_make(&(struct ca_wish){.subject = "root", .is_ca = 1});
    mx_ec = ca_make(&(struct ca_wish){
        .subject = "ec", .names = "DNS:mx.example,DNS:smtp.example", .issuer = &root});
    mx_rsa = ca_make(&(struct ca_wish){.subject = "rsa",
                                       .names = "DNS:smtp.example,DNS:MX.example",
                                       .issuer = &root,
                                       .type = "RSA"});
    wild =
        ca_make(&(struct ca_wish){.subject = "wild", .names = "DNS:*.b.example", .issuer = &root});
    someone = ca_make(&(struct ca_wish){.subject = "Some, One", .issuer = &root});
    stranger = ca_make(&(struct ca_wish){.subject = "stranger"});
    files[0] = ca_write("ec.pem", &mx_ec, &root, parts, NULL);
    files[1] = ca_write("rsa.pem", &mx_rsa, &root, parts, NULL);
    files[2] = ca_write("wild.pem", &wild, &root, parts, NULL);
    ca_file = ca_write("root.pem", &root, &root, CA_CERT, NULL);
    someone_file = ca_write("someone.pem", &someone, &root, parts, NULL);
    stranger_file = ca_write("stranger.pem", &stranger, &root, parts, NULL);
    return 0;
}

static int tear_down(void **state)
{
    struct ca_cert *all[] = {&root, &mx_ec, &mx_rsa, &wild, &someone, &stranger};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(all); i++)
        ca_free(all[i]);
    ca_sweep();
    return 0;
}

/* A client whose hello is to taste: it must be made before conn_connect_tls() sees it. */
static struct pair open_with(struct tls *client, const char *sigalgs, int most)
{
    struct pair p = pair_open(0);

    p.client.tls = tls_begin(client);
    assert_non_null(p.client.tls);
    if (sigalgs)
        assert_int_equal(1, SSL_set1_sigalgs_list(p.client.tls, sigalgs));
    if (most)
        assert_int_equal(1, SSL_set_max_proto_version(p.client.tls, most));
    SSL_set_fd(p.client.tls, p.client.fd);
    return p;
}

static void test_choice(void **state)
{
    const char *const ec = "ECDSA+SHA256", *const rsa = "RSA-PSS+SHA256:RSA+SHA256";
    const struct {
        const char *sni, *sigalgs;
        int most;
        const char *subject;
    } cases[] = {
        {NULL, NULL, 0, "CN=ec"},
        {"mx.example", NULL, 0, "CN=ec"},
        {"SMTP.Example", NULL, 0, "CN=ec"},
        {"a.b.example", NULL, 0, "CN=wild"},
        {"A.B.EXAMPLE", NULL, 0, "CN=wild"},
        {"a.a.b.example", NULL, 0, "CN=ec"}, /* one label, no more */
        {"unknown.example", NULL, 0, "CN=ec"},
        {"mx.example", rsa, 0, "CN=rsa"},
        {"mx.example", ec, 0, "CN=ec"},
        {NULL, rsa, 0, "CN=rsa"},
        {"unknown.example", rsa, TLS1_2_VERSION, "CN=rsa"},
        {"mx.example", rsa, TLS1_2_VERSION, "CN=rsa"},
        {"a.b.example", ec, TLS1_2_VERSION, "CN=wild"},
    };
    struct tls *server = pair_server(files, 3, NULL), *client = pair_client(ca_file);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct pair p = open_with(client, cases[i].sigalgs, cases[i].most);
        struct tls_facts facts, theirs;

        if (cases[i].sni)
            SSL_set_tlsext_host_name(p.client.tls, cases[i].sni);
        pair_shake(&p, client, server, NULL, NULL);
        assert_int_equal(CONN_SOME, p.client_got);
        assert_int_equal(CONN_SOME, p.server_got);
        conn_facts(&p.client, &facts);
        conn_facts(&p.server, &theirs);
        assert_string_equal(cases[i].subject, facts.peer_subject);
        assert_string_equal("ok", facts.verify);
        assert_string_equal(cases[i].sni ? cases[i].sni : "", theirs.sni);
        assert_string_equal(cases[i].most ? "TLSv1.2" : "TLSv1.3", theirs.protocol);
        pair_close(&p);
    }
    tls_free(&server);
    tls_free(&client);
}

/* All that OpenSSL has, under one name: each client gets one that it knows. */
static void test_key_types(void **state)
{
    static const char *const types[] = {"ED25519", "P-384", "RSA"};
    static const char *const sigalgs[] = {"ed25519", "ECDSA+SHA384:ECDSA+SHA256",
                                          "RSA-PSS+SHA256:RSA+SHA256"};
    const char *paths[COUNT_OF(types)];
    struct tls *client = pair_client(ca_file);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct ca_cert c = ca_make(&(struct ca_wish){
            .subject = types[i], .names = "DNS:mx.example", .issuer = &root, .type = types[i]});

        paths[i] = ca_write(types[i], &c, &root, CA_KEY | CA_CERT, NULL);
        ca_free(&c);
    }
    struct tls *server = pair_server(paths, COUNT_OF(types), NULL);

    for (size_t i = 0; i < COUNT_OF(types); i++)
        for (int most = TLS1_2_VERSION; most <= TLS1_3_VERSION; most++) {
            struct pair p = open_with(client, sigalgs[i], most);
            struct tls_facts facts;
            char subject[32];

            pair_shake(&p, client, server, "mx.example", NULL);
            assert_int_equal(CONN_SOME, p.server_got);
            conn_facts(&p.client, &facts);
            (void)snprintf(subject, sizeof subject, "CN=%s", types[i]);
            assert_string_equal(subject, facts.peer_subject);
            pair_close(&p);
        }
    tls_free(&server);
    tls_free(&client);
}

/* With the lower security level an old client could; that it may not is the server's word. */
static void test_old_protocol(void **state)
{
    const struct {
        enum tls_protocol least;
        bool taken;
    } cases[] = {{TLS_1_0, true}, {TLS_1_1, true}, {TLS_1_2, false}, {TLS_1_3, false}};
    struct cert_file at = {files[0], ""};
    char why[256] = "";
    struct tls_client_conf old = {
        .cert = {"", ""}, .ca_file = ca_file, .ciphers = "", .ciphersuites = "", .least = TLS_1_0};
    struct tls *client = tls_client_new(&old, why, sizeof why);

    (void)state;
    assert_non_null(client);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tls_server_conf conf = {.certs = {&at, 1},
                                       .ciphers = "",
                                       .ciphersuites = "",
                                       .least = cases[i].least,
                                       .ca_file = ""};
        struct tls *server = tls_server_new(&conf, NULL, why, sizeof why);
        struct pair p = open_with(client, NULL, TLS1_1_VERSION);

        assert_non_null(server);
        pair_shake(&p, client, server, NULL, NULL);
        assert_int_equal(cases[i].taken ? CONN_SOME : CONN_FAILED, p.server_got);
        if (!cases[i].taken) {
            assert_string_equal("unsupported protocol", p.server.why);
            assert_string_equal("tlsv1 alert protocol version", p.client.why);
        }
        pair_close(&p);
        tls_free(&server);
    }
    tls_free(&client);
}

static void test_no_shared_cipher(void **state)
{
    struct cert_file at = {files[0], ""};
    char why[256] = "";
    struct tls_server_conf of_server = {.certs = {&at, 1},
                                        .ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384",
                                        .ciphersuites = "",
                                        .least = TLS_1_2,
                                        .ca_file = ""};
    struct tls_client_conf of_client = {.cert = {"", ""},
                                        .ca_file = ca_file,
                                        .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256",
                                        .ciphersuites = "",
                                        .least = TLS_1_2,
                                        .security_level = -1};
    struct tls *server = tls_server_new(&of_server, NULL, why, sizeof why);
    struct tls *client = tls_client_new(&of_client, why, sizeof why);
    struct pair p = open_with(client, NULL, TLS1_2_VERSION);

    (void)state;
    pair_shake(&p, client, server, NULL, NULL);
    assert_int_equal(CONN_FAILED, p.server_got);
    assert_string_equal("no shared cipher", p.server.why);
    pair_close(&p);
    tls_free(&server);
    tls_free(&client);
}

/* Whatever a client proves, the handshake goes on, and the result is known. */
static void test_client_certificates(void **state)
{
    const struct {
        const char *file, *verify, *subject;
        bool asks, resumes;
    } cases[] = {
        {"", "none", "", true, false},
        {someone_file, "none", "", false, true},
        {someone_file, "ok", "CN=Some\\, One", true, true},
        {stranger_file, "self-signed", "CN=stranger", true, false},
    };
    struct cert_file at = {files[0], ""};
    char why[256] = "";

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tls_server_conf of_server = {.certs = {&at, 1},
                                            .ciphers = "",
                                            .ciphersuites = "",
                                            .least = TLS_1_2,
                                            .ca_file = ca_file};
        const struct tls_asks asks = {.certificate = cases[i].asks};
        struct tls_client_conf of_client = {.cert = {cases[i].file, ""},
                                            .ca_file = ca_file,
                                            .ciphers = "",
                                            .ciphersuites = "",
                                            .least = TLS_1_2,
                                            .security_level = -1};
        struct tickets *tickets = tickets_new();
        struct tls *server = tls_server_new(&of_server, tickets, why, sizeof why);
        struct tls *client = tls_client_new(&of_client, why, sizeof why);
        struct ssl_session_st *session = NULL;

        /* Once in full, then resumed: what was proven stays known; what was not is asked anew. */
        for (int round = 0; round < 2; round++) {
            struct pair p = pair_open(0);
            struct tls_facts facts;

            p.asks = &asks;
            pair_shake(&p, client, server, NULL, session);
            assert_int_equal(CONN_SOME, p.server_got);
            pair_talk(&p);
            conn_facts(&p.server, &facts);
            assert_int_equal(round && cases[i].resumes, facts.resumed);
            assert_string_equal(cases[i].verify, facts.verify);
            assert_string_equal(cases[i].subject, facts.peer_subject);
            assert_int_equal(*cases[i].subject ? 64 : 0, strlen(facts.peer_fingerprint));
            if (session)
                conn_session_free(&session);
            session = conn_session(&p.client);
            pair_close(&p);
        }
        conn_session_free(&session);
        tls_free(&server);
        tls_free(&client);
        tickets_free(&tickets);
    }
}

static void test_bad_servers(void **state)
{
    struct cert_file good[] = {{files[0], ""}}, twice[] = {{files[0], ""}, {files[0], ""}},
                     missing[] = {{files[0], ""}, {"/nonexistent.pem", ""}};
    const struct {
        struct tls_server_conf conf;
        const char *says;
    } cases[] = {
        {{.certs = {NULL, 0}, .ciphers = "", .ca_file = ""}, "needs a certificate"},
        {{.certs = {missing, 2}, .ciphers = "", .ca_file = ""}, "/nonexistent.pem: No such file"},
        {{.certs = {twice, 2}, .ciphers = "", .ca_file = ""}, "leave out one of them"},
        {{.certs = {good, 1}, .ciphers = "NONESUCH", .ca_file = ""}, "'NONESUCH' is unknown"},
        {{.certs = {good, 1}, .ciphers = "", .ca_file = "/nonexistent.pem"}, "no CA certificates"},
        {{.certs = {good, 1}, .ciphers = "", .ca_file = "/dev/null"}, "/dev/null: no CA certif"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tls_server_conf conf = cases[i].conf;
        char why[256] = "";

        conf.ciphersuites = "";
        conf.least = TLS_1_2;
        assert_null(tls_server_new(&conf, NULL, why, sizeof why));
        if (!strstr(why, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", why, cases[i].says);
    }
    struct tls_server_conf suite = {.certs = {good, 1},
                                    .ciphers = "",
                                    .ca_file = "",
                                    .least = TLS_1_2,
                                    .ciphersuites = "TLS_NONE"};
    char why[256] = "";

    assert_null(tls_server_new(&suite, NULL, why, sizeof why));
    assert_non_null(strstr(why, "'TLS_NONE' is unknown; see openssl ciphers -tls1_3"));
}

static void test_bad_clients(void **state)
{
    const struct {
        const char *file, *ca_file, *ciphers, *says;
    } cases[] = {
        {"/nonexistent.pem", "", "", "/nonexistent.pem: No such file"},
        {"", "/nonexistent.pem", "", "/nonexistent.pem: no CA certificates"},
        {"", "", "HIGH:NONESUCH", "'NONESUCH' is unknown; see openssl ciphers"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char why[256] = "";
        struct tls_client_conf conf = {.cert = {cases[i].file, ""},
                                       .ca_file = cases[i].ca_file,
                                       .ciphers = cases[i].ciphers,
                                       .ciphersuites = "",
                                       .least = TLS_1_2,
                                       .security_level = -1};

        assert_null(tls_client_new(&conf, why, sizeof why));
        if (!strstr(why, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", why, cases[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_key_types),
        cmocka_unit_test(test_old_protocol),
        cmocka_unit_test(test_no_shared_cipher),
        cmocka_unit_test(test_client_certificates),
        cmocka_unit_test(test_bad_servers),
        cmocka_unit_test(test_bad_clients),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
