/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client's certificate is worth: each reason has its word, no handshake fails for one, and
 * no ticket keeps alive what has ended.
 */
#include "net/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "t/lib/pair.h"

/* A root, a CA below it, one below that, and another root of the same name. */
static struct ca_cert root, middle, low, fake;
static const char *server_file, *root_file;

static int set_up(void **state)
{
    struct ca_cert mx;

    (void)state;
    root = ca_make(&(struct ca_wish){.subject = "root", .is_ca = 1});
    fake = ca_make(&(struct ca_wish){.subject = "root", .is_ca = 1});
    middle = ca_make(&(struct ca_wish){.subject = "middle", .is_ca = 1, .issuer = &root});
    low = ca_make(&(struct ca_wish){.subject = "low", .is_ca = 1, .issuer = &middle});
    mx = ca_make(&(struct ca_wish){.subject = "mx", .names = "DNS:mx.example", .issuer = &root});
    server_file = strdup(ca_write("mx.pem", &mx, NULL, CA_KEY | CA_CERT, NULL));
    root_file = strdup(ca_write("root.pem", &root, NULL, CA_CERT, NULL));
    ca_free(&mx);
    return 0;
}

static int tear_down(void **state)
{
    struct ca_cert *all[] = {&root, &middle, &low, &fake};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(all); i++)
        ca_free(all[i]);
    free((char *)server_file);
    free((char *)root_file);
    ca_sweep();
    return 0;
}

static struct tls *new_server(const char *ca, const char *crl, unsigned depth,
                              struct tickets *tickets)
{
    struct cert_file at = {server_file, ""};
    char why[256] = "";
    struct tls *t = tls_server_new(&(struct tls_server_conf){.certs = {&at, 1},
                                                             .ciphers = "",
                                                             .ciphersuites = "",
                                                             .least = TLS_1_2,
                                                             .ca_file = ca,
                                                             .crl_file = crl,
                                                             .verify_depth = depth},
                                   tickets, why, sizeof why);

    assert_string_equal("", why);
    return t;
}

static struct tls *new_client(const char *file)
{
    char why[256] = "";
    struct tls *t = tls_client_new(&(struct tls_client_conf){.cert = {file, ""},
                                                             .ca_file = root_file,
                                                             .ciphers = "",
                                                             .ciphersuites = "",
                                                             .least = TLS_1_2,
                                                             .security_level = -1},
                                   why, sizeof why);

    assert_string_equal("", why);
    return t;
}

/* A session of both; what the server knows of it. `session` is resumed, and comes anew. */
static struct tls_facts meet(struct tls *client, struct tls *server, const struct tls_asks *asks,
                             int most, struct ssl_session_st **session)
{
    struct pair p = pair_open(0);
    struct tls_facts facts;

    p.asks = asks;
    p.client.tls = tls_begin(client);
    assert_non_null(p.client.tls);
    if (most)
        assert_int_equal(1, SSL_set_max_proto_version(p.client.tls, most));
    SSL_set_fd(p.client.tls, p.client.fd);
    if (session && *session)
        assert_int_equal(1, SSL_set_session(p.client.tls, *session));
    pair_shake(&p, client, server, NULL, NULL);
    assert_int_equal(CONN_SOME, p.client_got);
    assert_int_equal(CONN_SOME, p.server_got);
    pair_talk(&p);
    conn_facts(&p.server, &facts);
    if (session) {
        conn_session_free(session);
        *session = conn_session(&p.client);
    }
    pair_close(&p);
    return facts;
}

static const struct tls_asks asked = {.certificate = true, .binds = {"a", 1}};

enum lists { NO_LISTS, EMPTY, LEAF, MIDDLE, ONLY_ROOT, OLD, EARLY, FORGED };

static const struct {
    const char *name;
    enum { BY_ROOT, BY_MIDDLE, BY_LOW, BY_FAKE, BY_ITSELF } by;
    int from, to;
    const char *use;
    bool alone; /* without the CA that made it */
    unsigned depth;
    enum lists lists;
    const char *word;
} rows[] = {
    {"by the root", BY_ROOT, 0, 0, "clientAuth", false, 0, NO_LISTS, "ok"},
    {"no usage said", BY_ROOT, 0, 0, NULL, false, 0, NO_LISTS, "ok"},
    {"client and server", BY_ROOT, 0, 0, "serverAuth,clientAuth", false, 0, NO_LISTS, "ok"},
    {"for servers only", BY_ROOT, 0, 0, "serverAuth", false, 0, NO_LISTS, "wrong-purpose"},
    {"expired", BY_ROOT, -9, -1, NULL, false, 0, NO_LISTS, "expired"},
    {"not yet valid", BY_ROOT, 1, 9, NULL, false, 0, NO_LISTS, "not-yet-valid"},
    {"its own", BY_ITSELF, 0, 0, NULL, true, 9, NO_LISTS, "self-signed"},
    {"its own, expired", BY_ITSELF, -9, -1, NULL, true, 9, NO_LISTS, "expired"},
    {"without it, not yet valid", BY_MIDDLE, 1, 9, NULL, true, 9, NO_LISTS, "not-yet-valid"},
    {"another's of the same name", BY_FAKE, 0, 0, NULL, true, 9, NO_LISTS, "bad-signature"},
    {"through one below", BY_MIDDLE, 0, 0, NULL, false, 1, NO_LISTS, "ok"},
    {"without it", BY_MIDDLE, 0, 0, NULL, true, 9, NO_LISTS, "untrusted"},
    {"one too many", BY_MIDDLE, 0, 0, NULL, false, 0, NO_LISTS, "chain-too-long"},
    {"two below, one missing", BY_LOW, 0, 0, NULL, false, 9, NO_LISTS, "untrusted"},
    {"a list without it", BY_ROOT, 0, 0, NULL, false, 9, EMPTY, "ok"},
    {"revoked", BY_ROOT, 0, 0, NULL, false, 9, LEAF, "revoked"},
    {"the CA above it revoked", BY_MIDDLE, 0, 0, NULL, false, 9, MIDDLE, "revoked"},
    {"no list of that CA", BY_MIDDLE, 0, 0, NULL, false, 9, ONLY_ROOT, "no-crl"},
    {"an old list", BY_ROOT, 0, 0, NULL, false, 9, OLD, "crl-expired"},
    {"a list of tomorrow", BY_ROOT, 0, 0, NULL, false, 9, EARLY, "crl-not-yet-valid"},
    {"a forged list", BY_ROOT, 0, 0, NULL, false, 9, FORGED, "bad-crl"},
    {"revoked and expired", BY_ROOT, -9, -1, NULL, false, 9, LEAF, "revoked"},
};

static const char *list_of(enum lists lists, const struct ca_cert *leaf)
{
    switch (lists) {
    case NO_LISTS:
        return "";
    case EMPTY:
    case ONLY_ROOT:
        return ca_crl("crl.pem", &root, NULL, -1, 1);
    case LEAF:
        return ca_crl("crl.pem", &root, leaf, -1, 1);
    case MIDDLE:
        return ca_join("both.pem", ca_crl("crl.pem", &root, &middle, -1, 1),
                       ca_crl("crl2.pem", &middle, NULL, -1, 1));
    case OLD:
        return ca_crl("crl.pem", &root, NULL, -9, -1);
    case EARLY:
        return ca_crl("crl.pem", &root, NULL, 1, 9);
    case FORGED:
        return ca_crl("crl.pem", &fake, NULL, -1, 1);
    }
    return "";
}

static void words_of_certificates(void **state)
{
    const struct ca_cert *by[] = {&root, &middle, &low, &fake, NULL};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct ca_cert *issuer = by[rows[i].by];
        struct ca_cert leaf = ca_make(&(struct ca_wish){.subject = "client",
                                                        .issuer = issuer,
                                                        .from_days = rows[i].from,
                                                        .to_days = rows[i].to,
                                                        .use = rows[i].use});
        bool chain = rows[i].by != BY_ROOT && !rows[i].alone;
        const char *file =
            ca_write("client.pem", &leaf, issuer, CA_KEY | CA_CERT | (chain ? CA_ISSUER : 0), NULL);
        const char *lists = list_of(rows[i].lists, &leaf);
        struct tls *client = new_client(file);

        /* Lists in a file of their own, and beside the CAs. */
        for (int joined = 0; joined < (*lists ? 2 : 1); joined++) {
            struct tls *server = joined ? new_server(ca_join("ca-and-crl.pem", root_file, lists),
                                                     "", rows[i].depth, NULL)
                                        : new_server(root_file, lists, rows[i].depth, NULL);
            struct tls_facts facts =
                meet(client, server, &asked, joined ? TLS1_2_VERSION : 0, NULL);

            if (strcmp(facts.verify, rows[i].word) != 0)
                fail_msg("%s: %s, not %s", rows[i].name, facts.verify, rows[i].word);
            assert_string_equal("CN=client", facts.peer_subject);
            assert_int_equal(64, strlen(facts.peer_fingerprint));
            assert_int_equal(64, strlen(facts.peer_key_fingerprint));
            tls_free(&server);
        }
        tls_free(&client);
        ca_free(&leaf);
    }
}

/* Who is not asked shows nothing, whatever the context knows; and without CAs there are dates. */
static void who_is_asked(void **state)
{
    const struct {
        const char *ca;
        int from, to;
        bool asks;
        const char *word;
    } cases[] = {
        {root_file, 0, 0, false, "none"},  {"", 0, 0, false, "none"},
        {"", 0, 0, true, "untrusted"},     {"", -9, -1, true, "expired"},
        {"", 1, 9, true, "not-yet-valid"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ca_cert leaf = ca_make(&(struct ca_wish){.subject = "client",
                                                        .issuer = &root,
                                                        .from_days = cases[i].from,
                                                        .to_days = cases[i].to});
        struct tls *client = new_client(ca_write("c.pem", &leaf, NULL, CA_KEY | CA_CERT, NULL));
        struct tls *server = new_server(cases[i].ca, "", 9, NULL);
        struct tls_asks asks = {.certificate = cases[i].asks};
        struct tls_facts facts = meet(client, server, &asks, 0, NULL);

        assert_string_equal(cases[i].word, facts.verify);
        assert_int_equal(cases[i].asks ? 64 : 0, strlen(facts.peer_fingerprint));
        tls_free(&server);
        tls_free(&client);
        ca_free(&leaf);
    }
}

/* A CA that is no root is trusted where the file says so, and needs no list of the root. */
static void anchor_below_a_root(void **state)
{
    struct ca_cert leaf = ca_make(&(struct ca_wish){.subject = "client", .issuer = &middle});
    const char *ca = ca_write("middle.pem", &middle, NULL, CA_CERT, NULL);
    struct tls *client = new_client(ca_write("c.pem", &leaf, NULL, CA_KEY | CA_CERT, NULL));
    struct tls *server = new_server(ca, "", 0, NULL);

    (void)state;
    assert_string_equal("ok", meet(client, server, &asked, 0, NULL).verify);
    tls_free(&server);
    server = new_server(ca, ca_crl("crl.pem", &middle, NULL, -1, 1), 0, NULL);
    assert_string_equal("ok", meet(client, server, &asked, 0, NULL).verify);
    tls_free(&server);
    tls_free(&client);
    ca_free(&leaf);
}

/* What stands before a session, and before the next one that would resume it. */
struct resumption {
    const char *name, *lists_before, *lists;
    const struct tls_asks *before, *asks;
    unsigned depth; /* of the second; 9 of the first */
    double later;
    bool resumed;
    const char *word;
};

static void resume(const struct resumption *r, const char *file, int most)
{
    struct tickets *tickets = tickets_new();
    struct tls *client = new_client(file);
    struct tls *first = new_server(root_file, r->lists_before, 9, tickets);
    struct tls *second = new_server(root_file, r->lists, r->depth, tickets);
    struct ssl_session_st *session = NULL;
    struct tls_facts facts = meet(client, first, r->before, most, &session);

    assert_false(facts.resumed);
    assert_non_null(session);
    /* OpenSSL's own clock goes on as ever: a full handshake finds all as it was. */
    if (r->later > 0)
        clock_hold(clock_now() + r->later);
    facts = meet(client, second, r->asks, most, &session);
    clock_hold(-1);
    if (facts.resumed != r->resumed || strcmp(facts.verify, r->word) != 0)
        fail_msg("%s, %s: %s, %s", r->name, facts.protocol, facts.verify,
                 facts.resumed ? "resumed" : "in full");
    if (strcmp(facts.verify, "ok") == 0)
        assert_string_equal("CN=client", facts.peer_subject);
    conn_session_free(&session);
    tls_free(&second);
    tls_free(&first);
    tls_free(&client);
    tickets_free(&tickets);
}

/* The next session under another server, another rule or at another time: resumed or not. */
static void tickets_are_bound(void **state)
{
    struct ca_cert leaf = ca_make(
        &(struct ca_wish){.subject = "client", .issuer = &middle, .from_days = -1, .to_days = 2});
    const char *file = ca_write("c.pem", &leaf, &middle, CA_KEY | CA_CERT | CA_ISSUER, NULL);
    const char *of_root = ca_crl("r.pem", &root, NULL, -1, 1);
    const char *none = ca_join("l.pem", of_root, ca_crl("m.pem", &middle, NULL, -1, 1));
    const char *revoked = ca_join("l2.pem", of_root, ca_crl("m.pem", &middle, &leaf, -1, 1));
    const struct tls_asks other = {.certificate = true, .binds = {"b", 1}},
                          nothing = {.certificate = false, .binds = {"a", 1}};
    const struct resumption cases[] = {
        {"the same again", "", "", &asked, &asked, 9, 0, true, "ok"},
        {"with lists", none, none, &asked, &asked, 9, 0, true, "ok"},
        {"revoked since", none, revoked, &asked, &asked, 9, 0, false, "revoked"},
        {"lists since", "", none, &asked, &asked, 9, 0, false, "ok"},
        {"another depth since", "", "", &asked, &asked, 0, 0, false, "chain-too-long"},
        {"another rule", "", "", &asked, &other, 9, 0, false, "ok"},
        {"not asked before", "", "", &nothing, &asked, 9, 0, false, "ok"},
        {"not asked now", "", "", &asked, &nothing, 9, 0, false, "none"},
        {"never asked, years later", "", "", &nothing, &nothing, 9, 1e8, true, "none"},
        {"the certificate has ended", "", "", &asked, &asked, 9, 3 * 86400, false, "ok"},
        {"a list has ended", none, none, &asked, &asked, 9, 1.5 * 86400, false, "ok"},
    };
    const struct resumption unproven = {"", "", "", &asked, &asked, 9, 0, false, "self-signed"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        resume(&cases[i], file, 0);
        resume(&cases[i], file, TLS1_2_VERSION);
    }
    ca_free(&leaf);
    leaf = ca_make(&(struct ca_wish){.subject = "client"});
    resume(&unproven, ca_write("c.pem", &leaf, NULL, CA_KEY | CA_CERT, NULL), 0);
    ca_free(&leaf);
}

/* One resumption after the other does not outlive what the first was worth. */
static void no_endless_chain(void **state)
{
    struct ca_cert leaf = ca_make(&(struct ca_wish){.subject = "client", .issuer = &root});
    const char *lists = ca_crl("crl.pem", &root, NULL, -1, 1);
    struct tls *client = new_client(ca_write("c.pem", &leaf, NULL, CA_KEY | CA_CERT, NULL));
    struct tickets *tickets = tickets_new();
    struct tls *server = new_server(root_file, lists, 0, tickets);
    struct ssl_session_st *session = NULL;
    double now = clock_now();

    (void)state;
    assert_false(meet(client, server, &asked, 0, &session).resumed);
    assert_true(meet(client, server, &asked, 0, &session).resumed);
    assert_true(meet(client, server, &asked, 0, &session).resumed);
    clock_hold(now + 1.5 * 86400);
    assert_false(meet(client, server, &asked, 0, &session).resumed);
    clock_hold(-1);
    conn_session_free(&session);
    tls_free(&server);
    tls_free(&client);
    tickets_free(&tickets);
    ca_free(&leaf);
}

static void bad_files(void **state)
{
    const struct {
        const char *ca, *crl, *says;
    } cases[] = {
        {"/nonexistent.pem", "", "/nonexistent.pem: no CA certificates"},
        {"/dev/null", "", "/dev/null: no CA certificates"},
        {ca_crl("crl.pem", &root, NULL, -1, 1), "", "crl.pem: no CA certificates"},
        {root_file, "/nonexistent.pem", "/nonexistent.pem: no revocation list"},
        {root_file, root_file, "root.pem: no revocation list"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char why[256] = "";

        assert_null(
            verify_new(&(struct verify_conf){cases[i].ca, cases[i].crl, 9}, why, sizeof why));
        if (!strstr(why, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", why, cases[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_certificates), cmocka_unit_test(who_is_asked),
        cmocka_unit_test(anchor_below_a_root),   cmocka_unit_test(tickets_are_bound),
        cmocka_unit_test(no_endless_chain),      cmocka_unit_test(bad_files),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
