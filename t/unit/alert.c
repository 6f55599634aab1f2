/* SPDX-License-Identifier: Apache-2.0
 *
 * A server that wants a certificate of ours, and gets none: whoever calls it knows why it ended.
 */
#include "net/alert.h"

#include <unistd.h>

#include <openssl/ssl.h>

#include "net/tls.h"
#include "t/lib/one_world.h"
#include "t/unit/unit.h"

/* How the client's handshake ends; the server has said its last then, and is gone. `demands`: it
 * is about the certificate. */
static enum conn_got refused(struct pair *p, int version, bool demands)
{
    enum conn_got client = CONN_LATER, server;

    *p = pair_open(0);
    assert_int_equal(CONN_LATER, conn_accept_tls(&p->server, w.server, NULL));
    assert_true(SSL_set_max_proto_version(p->server.tls, version));
    if (demands)
        SSL_set_verify(p->server.tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    do {
        if (client == CONN_LATER)
            client = conn_connect_tls(&p->client, w.client, NULL, NULL);
        server = conn_accept_tls(&p->server, w.server, NULL);
    } while (server == CONN_LATER);
    assert_int_equal(demands ? CONN_FAILED : CONN_SOME, server);
    conn_clear(&p->server);
    return client == CONN_LATER ? conn_connect_tls(&p->client, w.client, NULL, NULL) : client;
}

/* With TLS 1.3 the client is through already: it hears of it with what it reads first, or when
 * there is nobody left to write to. */
static void test_unwanted(void **state)
{
    struct pair p;
    char heard[16];
    size_t len;

    (void)state;
    assert_int_equal(CONN_FAILED, refused(&p, TLS1_2_VERSION, true));
    assert_true(p.client.unwanted);
    pair_close(&p);
    assert_int_equal(CONN_SOME, refused(&p, TLS1_3_VERSION, true));
    assert_false(p.client.unwanted);
    assert_int_equal(CONN_FAILED, conn_read(&p.client, heard, sizeof heard, &len));
    assert_true(p.client.unwanted);
    pair_close(&p);
    assert_int_equal(CONN_SOME, refused(&p, TLS1_3_VERSION, true));
    assert_int_equal(CONN_FAILED, conn_write(&p.client, &SPAN("EHLO"), 1, &len));
    assert_true(p.client.unwanted);
    pair_close(&p);
}

static void test_others(void **state)
{
    struct pair p;
    size_t len;

    (void)state;
    assert_int_equal(CONN_SOME, refused(&p, TLS1_3_VERSION, false));
    assert_int_equal(CONN_FAILED, conn_write(&p.client, &SPAN("EHLO"), 1, &len));
    assert_false(p.client.unwanted);
    pair_close(&p);

    /* A handshake that fails where no certificate was asked for. */
    p = pair_open(0);
    assert_int_equal(CONN_LATER, conn_connect_tls(&p.client, w.client, NULL, NULL));
    assert_int_equal(7, write(p.server.fd, "\x15\x03\x01\x00\x02\x02\x28", 7));
    assert_int_equal(CONN_FAILED, conn_connect_tls(&p.client, w.client, NULL, NULL));
    assert_false(p.client.unwanted);
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unwanted),
        cmocka_unit_test(test_others),
    };

    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
