/* SPDX-License-Identifier: Apache-2.0
 *
 * Tickets are good in every process that shares their keys, and for one rotation more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "net/conn.h"
#include "net/tls.h"
#include "t/lib/ca.h"
#include "t/lib/pair.h"

static struct ca_cert root, mx;
static const char *file, *ca_file;

static int set_up(void **state)
{
    (void)state;
    root = ca_make(&(struct ca_wish){.subject = "root", .is_ca = 1});
    mx = ca_make(&(struct ca_wish){.subject = "mx", .names = "DNS:mx.example", .issuer = &root});
    file = ca_write("mx.pem", &mx, &root, CA_KEY | CA_CERT, NULL);
    ca_file = ca_write("root.pem", &root, &root, CA_CERT, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ca_free(&root);
    ca_free(&mx);
    ca_sweep();
    return 0;
}

/* One whole session; what resumes it comes back in `session`, in place of what was there. */
static bool resumes(struct tls *client, struct tls *server, struct ssl_session_st **session)
{
    struct pair p = pair_open(0);
    struct tls_facts ours, theirs;

    pair_shake(&p, client, server, "mx.example", *session);
    assert_int_equal(CONN_SOME, p.client_got);
    assert_int_equal(CONN_SOME, p.server_got);
    pair_talk(&p);
    conn_facts(&p.client, &ours);
    conn_facts(&p.server, &theirs);
    assert_int_equal(ours.resumed, theirs.resumed);
    assert_string_equal("mx.example", theirs.sni);
    assert_int_equal(CERT_OK, conn_cert_state(&p.client, "mx.example"));
    if (*session)
        conn_session_free(session);
    *session = conn_session(&p.client);
    pair_close(&p);
    return ours.resumed;
}

/* Runs one handshake in a child, with the caller's session. */
static bool resumes_in_child(struct tls *client, struct tls *server, struct ssl_session_st *session)
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        struct pair p = pair_open(0);

        pair_shake(&p, client, server, "mx.example", session);
        _exit(p.server_got != CONN_SOME ? 2 : SSL_session_reused(p.server.tls) ? 0 : 1);
    }
    assert_int_equal(pid, waitpid(pid, &status, 0));
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
    return WEXITSTATUS(status) == 0;
}

static void test_across_processes(void **state)
{
    struct tickets *tickets = tickets_new();
    struct tls *server = pair_server(&file, 1, tickets), *client = pair_client(ca_file);
    struct ssl_session_st *session = NULL;

    (void)state;
    assert_false(resumes(client, server, &session));
    assert_non_null(session);
    assert_true(resumes_in_child(client, server, session));
    assert_true(resumes(client, server, &session));

    /* The child has the memory from before; the keys are new all the same. */
    tickets_rotate(tickets);
    assert_true(resumes_in_child(client, server, session));
    tickets_rotate(tickets);
    assert_false(resumes_in_child(client, server, session));
    conn_session_free(&session);
    tls_free(&server);
    tls_free(&client);
    tickets_free(&tickets);
}

static void test_rotation(void **state)
{
    struct tickets *tickets = tickets_new();
    struct tls *server = pair_server(&file, 1, tickets), *client = pair_client(ca_file);
    struct ssl_session_st *session = NULL;

    (void)state;
    assert_false(resumes(client, server, &session));
    /* Opened by the last key, sealed anew by this one: so it goes on for ever. */
    for (int i = 0; i < 6; i++) {
        tickets_rotate(tickets);
        assert_true(resumes(client, server, &session));
    }
    tickets_rotate(tickets);
    tickets_rotate(tickets);
    assert_false(resumes(client, server, &session));
    conn_session_free(&session);
    tls_free(&server);
    tls_free(&client);
    tickets_free(&tickets);
}

static void test_age(void **state)
{
    (void)state;
    clock_hold(1000);
    struct tickets *tickets = tickets_new();
    struct tls *server = pair_server(&file, 1, tickets), *client = pair_client(ca_file);
    struct ssl_session_st *session = NULL;

    assert_false(resumes(client, server, &session));
    for (int i = 0; i < 5; i++) /* young: nothing turns */
        tickets_rotate_if_old(tickets, 1000 + TICKETS_AGE - 1);
    assert_true(resumes_in_child(client, server, session));
    clock_hold(1000 + TICKETS_AGE);
    tickets_rotate_if_old(tickets, 1000 + TICKETS_AGE);
    tickets_rotate_if_old(tickets, 1000 + TICKETS_AGE + 1);
    assert_true(resumes_in_child(client, server, session));
    tickets_rotate_if_old(tickets, 1000 + 2 * TICKETS_AGE);
    assert_false(resumes_in_child(client, server, session));
    clock_hold(-1);
    conn_session_free(&session);
    tls_free(&server);
    tls_free(&client);
    tickets_free(&tickets);
}

/* A session is bound to listener and certificate, though the keys are shared. */
static void test_other_context(void **state)
{
    char why[256] = "";
    struct tickets *tickets = tickets_new();
    struct cert_file at = {file, ""};
    struct tls_server_conf conf = {.certs = {&at, 1},
                                   .ciphers = "",
                                   .ciphersuites = "",
                                   .least = TLS_1_2,
                                   .ca_file = "",
                                   .session_context = SPAN("another")};
    struct tls *server = pair_server(&file, 1, tickets), *again = pair_server(&file, 1, tickets),
               *another = tls_server_new(&conf, tickets, why, sizeof why),
               *client = pair_client(ca_file);
    struct ssl_session_st *session = NULL;

    (void)state;
    assert_non_null(another);
    assert_false(resumes(client, server, &session));
    assert_true(resumes(client, again, &session)); /* a reload that changed nothing */
    assert_false(resumes(client, another, &session));
    conn_session_free(&session);
    tls_free(&server);
    tls_free(&again);
    tls_free(&another);
    tls_free(&client);
    tickets_free(&tickets);
}

/* Two CAs of one name are two. */
static void test_ca_of_the_same_name(void **state)
{
    struct tickets *tickets = tickets_new();
    struct tls *servers[2], *client = pair_client(ca_file);
    struct ssl_session_st *session = NULL;
    char why[256] = "";

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct ca_cert ca = ca_make(&(struct ca_wish){.subject = "Clients' CA", .is_ca = 1});
        const struct tls_server_conf conf = {
            .certs = {&(struct cert_file){file, ""}, 1},
            .ciphers = "",
            .ciphersuites = "",
            .least = TLS_1_2,
            .ca_file = ca_write(i ? "one.pem" : "two.pem", &ca, NULL, CA_CERT, NULL),
            .session_context = SPAN("the same")};

        servers[i] = tls_server_new(&conf, tickets, why, sizeof why);
        assert_string_equal(why, "");
        ca_free(&ca);
    }
    assert_false(resumes(client, servers[0], &session));
    assert_true(resumes(client, servers[0], &session));
    assert_false(resumes(client, servers[1], &session));
    conn_session_free(&session);
    tls_free(&servers[0]);
    tls_free(&servers[1]);
    tls_free(&client);
    tickets_free(&tickets);
}

static void test_none(void **state)
{
    struct tls *server = pair_server(&file, 1, NULL), *client = pair_client(ca_file);
    struct ssl_session_st *session = NULL;

    (void)state;
    assert_false(resumes(client, server, &session));
    assert_null(session);
    assert_false(resumes(client, server, &session));
    tls_free(&server);
    tls_free(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_across_processes),
        cmocka_unit_test(test_rotation),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_other_context),
        cmocka_unit_test(test_ca_of_the_same_name),
        cmocka_unit_test(test_none),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
