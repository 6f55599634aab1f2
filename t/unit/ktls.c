/* SPDX-License-Identifier: Apache-2.0
 *
 * Contexts that offload: all comes through as without, by the kernel where it has it. On a kernel
 * without, what is shown is that nothing is different.
 */
#include "net/ktls.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "net/bio.h"
#include "t/lib/one_world.h"
#include "unit.h"

static struct tls *server, *client;

static int set_up(void **state)
{
    char why[256] = "";

    (void)world_set_up(state);
    const char *file = world_file(
        "ktls.pem", &w,
        &(struct ca_wish){.subject = "mx.example", .names = "DNS:mx.example", .issuer = &w.root});
    struct cert_file at = {file, ""};
    const struct tls_server_conf called = {
        .certs = {&at, 1}, .least = TLS_1_2, .ca_file = "", .offload = true};
    const struct tls_client_conf calls = {.cert = {"", ""},
                                          .ca_file = w.ca_file,
                                          .ciphers = "",
                                          .ciphersuites = "",
                                          .least = TLS_1_2,
                                          .security_level = -1,
                                          .offload = true};

    server = tls_server_new(&called, NULL, why, sizeof why);
    client = tls_client_new(&calls, why, sizeof why);
    return server && client ? 0 : -1;
}

static int tear_down(void **state)
{
    tls_free(&server);
    tls_free(&client);
    return world_tear_down(state);
}

/* The kernel speaks TLS over TCP only. Little may wait in the sockets. */
static struct pair tcp_pair(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int door = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
    struct pair p = pair_open(0);

    conn_clear(&p.client);
    conn_clear(&p.server);
    assert_int_equal(0, setsockopt(door, SOL_SOCKET, SO_RCVBUF, &(int){8192}, sizeof(int)));
    assert_int_equal(0, bind(door, (struct sockaddr *)&at, len));
    assert_int_equal(0, getsockname(door, (struct sockaddr *)&at, &len));
    assert_int_equal(0, listen(door, 1));
    assert_int_equal(0, setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){8192}, sizeof(int)));
    assert_int_equal(0, connect(fd, (struct sockaddr *)&at, len));
    assert_int_equal(0, fcntl(fd, F_SETFL, O_NONBLOCK));
    conn_init(&p.client, fd);
    conn_init(&p.server, accept4(door, NULL, NULL, SOCK_NONBLOCK));
    close(door);
    return p;
}

/* `newest` 0: the newest that there is. */
static struct pair tcp_open(int newest)
{
    struct pair p = tcp_pair();

    if (newest) {
        p.client.tls = tls_begin(client);
        assert_int_equal(1, SSL_set_max_proto_version(p.client.tls, newest));
        p.client.slack = slack_new(p.client.fd);
        SSL_set_bio(p.client.tls, bio_new(p.client.slack), bio_new_offloading(p.client.fd));
    }
    pair_shake(&p, client, server, NULL, NULL);
    assert_int_equal(CONN_SOME, p.client_got);
    assert_int_equal(CONN_SOME, p.server_got);
    assert_int_equal(ktls_is_there(), p.client.offloaded);
    assert_int_equal(ktls_is_there(), p.server.offloaded);
    assert_false(BIO_get_ktls_recv(SSL_get_rbio(p.client.tls)));
    assert_false(BIO_get_ktls_recv(SSL_get_rbio(p.server.tls)));
    return p;
}

/* One direction of a connection: bytes that say which it is, and where. */
struct stream {
    struct conn *from, *to;
    unsigned number;
    size_t sent, heard;
};

enum { MUCH = 300000, PIECE = 20000 };

static char byte_at(unsigned number, size_t at)
{
    return (char)(at * 31 + at / 251 + number * 67);
}

/* Each time from another place, which is gone afterwards, and cut in another way. */
static void write_some(struct stream *s, unsigned round)
{
    size_t size = MUCH - s->sent < PIECE ? MUCH - s->sent : PIECE, len = 0;
    size_t first = size * (round % 5) / 5;
    char *bytes = malloc(PIECE + 1);

    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_at(s->number, s->sent + i);
    const struct span pieces[] = {{bytes, first}, {bytes + first, size - first}};
    enum conn_got got = conn_write(s->from, pieces, COUNT_OF(pieces), &len);

    if (got >= CONN_OVER)
        fail_msg("stream %u, %s: %s", s->number, SSL_get_version(s->from->tls), s->from->why);
    s->sent += len;
    memset(bytes, 'x', PIECE);
    free(bytes);
}

static void read_some(struct stream *s)
{
    char heard[5000];
    size_t len = 0;
    enum conn_got got = conn_read(s->to, heard, sizeof heard, &len);

    if (got >= CONN_OVER)
        fail_msg("stream %u, %s: %s", s->number, SSL_get_version(s->to->tls), s->to->why);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(byte_at(s->number, s->heard + i), heard[i]);
    s->heard += len;
}

static void what_is_sent_comes(int newest)
{
    struct pair a = tcp_open(newest), b = tcp_open(newest);
    struct stream s[] = {{&a.client, &a.server, 1, 0, 0},
                         {&b.client, &b.server, 2, 0, 0},
                         {&a.server, &a.client, 3, 0, 0},
                         {&b.server, &b.client, 4, 0, 0}};
    size_t done = 0;

    for (unsigned round = 0; done < COUNT_OF(s); round++) {
        assert_true(round < 1000000);
        done = 0;
        for (size_t i = 0; i < COUNT_OF(s); i++) {
            if (s[i].sent < MUCH)
                write_some(&s[i], round);
            if (round % 3 == 0)
                read_some(&s[i]);
            done += s[i].heard == MUCH;
        }
    }
    pair_close(&a);
    pair_close(&b);
}

static void many_bytes_of_two_sessions_come_as_they_were(void **state)
{
    (void)state;
    what_is_sent_comes(0);
    what_is_sent_comes(TLS1_2_VERSION);
}

static void the_end_is_said(void **state)
{
    struct pair p = tcp_open(0);
    char heard[64];
    size_t len;
    enum conn_got got;

    (void)state;
    pair_talk(&p);
    conn_leave(&p.server);
    assert_int_equal(CONN_SOME, conn_write(&p.server, &SPAN("221 Bye\r\n"), 1, &len));
    conn_finish(&p.server);
    while ((got = conn_read(&p.client, heard, sizeof heard, &len)) == CONN_LATER)
        continue;
    assert_int_equal(CONN_SOME, got);
    assert_int_equal(9, len);
    while ((got = conn_read(&p.client, heard, sizeof heard, &len)) == CONN_LATER)
        continue;
    assert_int_equal(CONN_OVER, got);
    pair_close(&p);
}

/* Whoever asks for new keys is still heard; what the kernel would send by the old ones is not. */
static void new_keys_are_not_promised(void **state)
{
    struct pair p = tcp_pair();
    char heard[64];
    size_t len, had = 0;

    (void)state;
    pair_shake(&p, w.client, server, NULL, NULL);
    assert_false(p.client.offloaded);
    assert_int_equal(ktls_is_there(), p.server.offloaded);
    assert_int_equal(1, SSL_key_update(p.client.tls, SSL_KEY_UPDATE_REQUESTED));
    assert_int_equal(CONN_SOME, conn_write(&p.client, &SPAN("NOOP\r\n"), 1, &len));
    while (had < 6) {
        enum conn_got got = conn_read(&p.server, heard, sizeof heard, &len);

        assert_true(got == CONN_SOME || got == CONN_LATER);
        had += len;
    }
    assert_memory_equal("NOOP\r\n", heard, 6);
    if (ktls_is_there()) {
        assert_int_equal(CONN_FAILED, conn_write(&p.server, &SPAN("250\r\n"), 1, &len));
        assert_string_equal("new keys are wanted, which the kernel cannot have", p.server.why);
    } else {
        assert_int_equal(CONN_SOME, conn_write(&p.server, &SPAN("250\r\n"), 1, &len));
        assert_false(p.server.outdated);
    }
    pair_close(&p);
}

/* No kernel speaks TLS there. */
static void what_is_not_tcp_is_as_ever(void **state)
{
    struct pair p = pair_open(0);

    (void)state;
    pair_shake(&p, client, server, NULL, NULL);
    assert_int_equal(CONN_SOME, p.server_got);
    assert_false(p.client.offloaded);
    assert_false(p.server.offloaded);
    pair_talk(&p);
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_bytes_of_two_sessions_come_as_they_were),
        cmocka_unit_test(the_end_is_said),
        cmocka_unit_test(new_keys_are_not_promised),
        cmocka_unit_test(what_is_not_tcp_is_as_ever),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
