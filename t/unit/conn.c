/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections, plain and TLS: what comes through, and how they begin and end.
 */
#include "net/conn.h"

#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "net/tls.h"
#include "t/lib/one_world.h"

static void test_plain(void **state)
{
    const struct span pieces[] = {SPAN("EHLO "), SPAN(""), SPAN("a.example"), SPAN("\r\n")};
    struct pair p = pair_open(0);
    char heard[64];
    size_t len;

    (void)state;
    assert_int_equal(CONN_LATER, conn_read(&p.server, heard, sizeof heard, &len));
    assert_int_equal(CONN_IN, p.server.needs);
    assert_int_equal(CONN_SOME, conn_write(&p.client, pieces, COUNT_OF(pieces), &len));
    assert_int_equal(16, len);
    assert_int_equal(CONN_SOME, conn_read(&p.server, heard, sizeof heard, &len));
    assert_int_equal(16, len);
    assert_memory_equal("EHLO a.example\r\n", heard, 16);
    assert_false(conn_is_secure(&p.server));
    assert_false(conn_has_pending(&p.server));

    static const char much[65536];

    while (conn_write(&p.client, &(struct span){much, sizeof much}, 1, &len) == CONN_SOME)
        assert_true(len > 0);
    assert_false(p.client.broken);
    assert_int_equal(CONN_OUT, p.client.needs);
    conn_clear(&p.client);
    while (conn_read(&p.server, (char[4096]){0}, 4096, &len) == CONN_SOME)
        assert_true(len > 0);
    assert_int_equal(CONN_OVER, conn_read(&p.server, heard, sizeof heard, &len));
    assert_int_equal(CONN_FAILED, conn_write(&p.server, &SPAN("x"), 1, &len));
    assert_string_equal("Broken pipe", p.server.why);
    pair_close(&p);
}

/* Small pieces go out in one TLS record, which is seen on the wire. */
static void test_one_record(void **state)
{
    const struct span pieces[] = {SPAN("MAIL FROM:<a@b.example>\r\n"), SPAN(""),
                                  SPAN("RCPT TO:<c@d.example>\r\n"), SPAN("DATA\r\n")};
    struct pair p = world_open(&w, 0);
    unsigned char wire[512];
    char heard[128];
    size_t len;

    (void)state;
    assert_int_equal(CONN_SOME, conn_write(&p.client, pieces, COUNT_OF(pieces), &len));
    assert_int_equal(54, len);
    ssize_t n = recv(p.server.fd, wire, sizeof wire, MSG_PEEK);

    assert_int_equal(5 + 54 + 1 + 16, n); /* RFC 8446, 5.2: header, content, type, tag */
    assert_int_equal(23, wire[0]);
    assert_int_equal(CONN_SOME, conn_read(&p.server, heard, sizeof heard, &len));
    assert_int_equal(54, len);
    assert_memory_equal("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n", heard, 54);
    assert_int_equal(CONN_SOME, conn_write(&p.client, pieces, 0, &len));
    assert_int_equal(0, len);
    pair_close(&p);
}

/* A plain byte behind close_notify is nothing that the client said. */
static void test_close_notify(void **state)
{
    struct pair p = world_open(&w, 0);
    char heard[16];
    size_t len;

    (void)state;
    assert_int_equal(0, SSL_shutdown(p.client.tls));
    assert_int_equal(6, write(p.client.fd, "RSET\r\n", 6));
    for (int i = 0; i < 3; i++)
        assert_int_equal(CONN_OVER, conn_read(&p.server, heard, sizeof heard, &len));
    assert_true(conn_is_secure(&p.server));
    assert_int_equal(CONN_SOME, conn_write(&p.server, &SPAN("bye"), 1, &len)); /* still may */
    pair_close(&p);

    p = world_open(&w, 0);
    conn_clear(&p.client); /* says it itself */
    assert_int_equal(-1, p.client.fd);
    assert_int_equal(CONN_OVER, conn_read(&p.server, heard, sizeof heard, &len));
    pair_close(&p);
}

/* Without close_notify someone on the way may have cut it off. */
static void test_abrupt_close(void **state)
{
    struct pair p = world_open(&w, 0);
    char heard[16];
    size_t len;

    (void)state;
    shutdown(p.client.fd, SHUT_RDWR);
    assert_int_equal(CONN_FAILED, conn_read(&p.server, heard, sizeof heard, &len));
    assert_string_equal("closed without close_notify", p.server.why);
    assert_int_equal(CONN_FAILED, conn_read(&p.server, heard, sizeof heard, &len));
    assert_int_equal(CONN_FAILED, conn_write(&p.server, &SPAN("x"), 1, &len));
    pair_close(&p);
}

/* The server refuses, and goes without having read what the client sent: the client, who does not
 * look before it writes, still gets to know why. */
static void last_words(struct pair *p)
{
    static char much[1 << 16];
    const struct span word = SPAN("554 No more\r\n");
    char got[64];
    size_t len;

    assert_int_equal(conn_write(&p->client, &(struct span){much, sizeof much}, 1, &len), CONN_SOME);
    assert_int_equal(conn_write(&p->server, &word, 1, &len), CONN_SOME);
    conn_clear(&p->server);
    assert_int_equal(conn_write(&p->client, &(struct span){much, sizeof much}, 1, &len),
                     CONN_FAILED);
    assert_int_equal(conn_read(&p->client, got, sizeof got, &len), CONN_FAILED);
    len = conn_read_rest(&p->client, got, sizeof got);
    assert_true(span_is((struct span){got, len}, word.at));
    assert_int_equal(conn_read_rest(&p->client, got, sizeof got), 0);
    pair_close(p);
}

static void test_last_words(void **state)
{
    struct pair plain = pair_open(0), secret = world_open(&w, 0);

    (void)state;
    last_words(&plain);
    last_words(&secret);
}

static void test_bad_handshakes(void **state)
{
    struct pair p = pair_open(0);

    (void)state;
    /* Silence: later, for as long as the owner likes. */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(CONN_LATER, conn_accept_tls(&p.server, w.server, NULL));
        assert_int_equal(CONN_IN, p.server.needs);
    }
    shutdown(p.client.fd, SHUT_WR);
    assert_int_equal(CONN_FAILED, conn_accept_tls(&p.server, w.server, NULL));
    assert_string_equal("closed in the handshake", p.server.why);
    pair_close(&p);

    p = pair_open(0);
    assert_int_equal(23, write(p.client.fd, "EHLO plain.example.com\n", 23));
    assert_int_equal(CONN_FAILED, conn_accept_tls(&p.server, w.server, NULL));
    assert_non_null(p.server.why);
    assert_int_equal(CONN_FAILED, conn_accept_tls(&p.server, w.server, NULL));
    pair_close(&p);
}

/* A key is not there, or has nothing of what makes it one. How many are there is counted. */
static void assert_forgotten(long there, EVP_PKEY *key, unsigned *count)
{
    unsigned char raw[64];
    size_t len = sizeof raw;

    if (!there)
        return;
    assert_int_not_equal(1, EVP_PKEY_get_raw_public_key(key, raw, &len));
    len = sizeof raw;
    assert_int_not_equal(1, EVP_PKEY_get_raw_private_key(key, raw, &len));
    EVP_PKEY_free(key);
    *count += 1;
}

/* What the handshake agreed by is gone with its end, on both sides; and all goes on. */
static void test_exchange_forgotten(void **state)
{
    struct pair p = world_open(&w, 0);
    SSL *sides[] = {p.client.tls, p.server.tls};
    unsigned count = 0;
    char heard[8];
    size_t len;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sides); i++) {
        EVP_PKEY *key = NULL;
        long there = SSL_get_tmp_key(sides[i], &key);

        assert_forgotten(there, key, &count);
        there = SSL_get_peer_tmp_key(sides[i], &key);
        assert_forgotten(there, key, &count);
    }
    assert_in_range(count, 2, 4); /* the server holds both */
    assert_int_equal(1, SSL_key_update(p.client.tls, SSL_KEY_UPDATE_NOT_REQUESTED));
    assert_int_equal(CONN_SOME, conn_write(&p.client, &SPAN("new"), 1, &len));
    assert_int_equal(CONN_SOME, conn_read(&p.server, heard, sizeof heard, &len));
    assert_memory_equal("new", heard, 3);
    pair_close(&p);
}

/* Either side asks for a renegotiation; the other says no and goes on as it was. */
static void test_renegotiation(void **state)
{
    (void)state;
    for (int of_client = 0; of_client < 2; of_client++) {
        struct pair p = pair_open(0);
        struct conn *asks = of_client ? &p.client : &p.server;
        struct conn *asked = of_client ? &p.server : &p.client;
        char heard[16];
        size_t len;

        p.client.tls = tls_begin(w.client);
        SSL_set_max_proto_version(p.client.tls, TLS1_2_VERSION);
        SSL_set_fd(p.client.tls, p.client.fd);
        pair_shake(&p, w.client, w.server, "mx.example", NULL);
        assert_int_equal(CONN_SOME, p.server_got);
        SSL_clear_options(asks->tls, SSL_OP_NO_RENEGOTIATION);
        SSL_set_options(asked->tls, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
        assert_int_equal(1, SSL_renegotiate(asks->tls));
        (void)SSL_do_handshake(asks->tls);
        assert_int_equal(CONN_LATER, conn_read(asked, heard, sizeof heard, &len));
        assert_true(SSL_is_init_finished(asked->tls));
        assert_int_equal(CONN_FAILED, conn_read(asks, heard, sizeof heard, &len));
        assert_string_equal("no renegotiation", asks->why);
        pair_close(&p);
    }
}

static int listen_at(struct addr *at)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct conn c = {.fd = fd};

    assert_int_equal(0, bind(fd, (struct sockaddr *)&any, sizeof any));
    assert_int_equal(0, listen(fd, 5));
    assert_true(conn_local(&c, at));
    return fd;
}

static enum conn_got dial_to_its_end(struct conn *c, const struct addr *to,
                                     const struct addr *source)
{
    enum conn_got got = conn_dial(c, to, source);

    while (got == CONN_LATER) {
        assert_int_equal(CONN_OUT, c->needs);
        assert_int_equal(1, poll(&(struct pollfd){.fd = c->fd, .events = POLLOUT}, 1, 5000));
        got = conn_dialled(c);
    }
    return got;
}

static void test_dial(void **state)
{
    struct addr at, local, source, before;
    int fd = listen_at(&at);
    struct conn c;

    (void)state;
    conn_init(&c, -1);
    assert_false(conn_local(&c, &local));
    assert_int_equal(CONN_SOME, dial_to_its_end(&c, &at, NULL));
    assert_true(conn_local(&c, &local));
    assert_true(local.port > 0);
    conn_clear(&c);

    /* From an address of our choice, and known at once. */
    assert_true(addr_read(SPAN("127.0.0.9"), &source));
    conn_init(&c, -1);
    enum conn_got got = conn_dial(&c, &at, &source);

    assert_true(got == CONN_LATER || got == CONN_SOME);
    assert_true(conn_local(&c, &local) && local.port > 0);
    assert_memory_equal(source.ip, local.ip, 16);
    conn_clear(&c);

    /* First bound, later connected: the address stays. */
    for (int with = 0; with < 2; with++) {
        conn_init(&c, -1);
        assert_true(conn_bind(&c, with ? &source : NULL, &at));
        assert_true(conn_local(&c, &before) && before.port > 0);
        assert_true(addr_is_loopback(&before));
        assert_int_equal(CONN_SOME, dial_to_its_end(&c, &at, NULL));
        assert_true(conn_local(&c, &local));
        assert_true(addr_is_same(&before, &local));
        conn_clear(&c);
    }
    close(fd);
    conn_init(&c, -1);
    assert_int_equal(CONN_FAILED, dial_to_its_end(&c, &at, NULL));
    assert_string_equal("Connection refused", c.why);
    conn_clear(&c);
    assert_true(addr_read(SPAN("192.0.2.1"), &source)); /* not ours */
    assert_false(conn_bind(&c, &source, &at));
    assert_string_equal("Cannot assign requested address", c.why);
    conn_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),         cmocka_unit_test(test_one_record),
        cmocka_unit_test(test_close_notify),  cmocka_unit_test(test_abrupt_close),
        cmocka_unit_test(test_last_words),    cmocka_unit_test(test_bad_handshakes),
        cmocka_unit_test(test_renegotiation), cmocka_unit_test(test_exchange_forgotten),
        cmocka_unit_test(test_dial),
    };

    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
