/* SPDX-License-Identifier: Apache-2.0
 *
 * What leaves together: a ticket with the words behind it, records of one write, the last words
 * with the end. Over TCP, where the kernel holds it back for 200 ms: a machine may sleep as long,
 * but not each time.
 */
#include "net/bio.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "t/lib/pair.h"
#include "unit.h"

enum { TRIES = 10 };

static struct world w;
static struct tickets *tickets;

static int set_up(void **state)
{
    (void)state;
    w = world_make();
    tickets = tickets_new();
    return tickets ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    tickets_free(&tickets);
    world_end(&w);
    return 0;
}

static struct pair tcp_pair(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int door = socket(AF_INET, SOCK_STREAM, 0);
    struct pair p = pair_open(0);

    assert_int_equal(0, bind(door, (struct sockaddr *)&at, len));
    assert_int_equal(0, getsockname(door, (struct sockaddr *)&at, &len));
    assert_int_equal(0, listen(door, 1));
    close(p.client.fd);
    close(p.server.fd);
    conn_init(&p.client, socket(AF_INET, SOCK_STREAM, 0));
    assert_int_equal(0, connect(p.client.fd, (struct sockaddr *)&at, len));
    conn_init(&p.server, accept4(door, NULL, NULL, SOCK_NONBLOCK));
    assert_true(p.server.fd >= 0);
    close(door);
    return p;
}

/* What waits in the client's socket: no handshake does, for it is over. */
static size_t has_come(const struct pair *p)
{
    char bytes[4096];
    ssize_t n = recv(p->client.fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);

    return n > 0 ? (size_t)n : 0;
}

static void await(const struct pair *p)
{
    assert_int_equal(1, poll(&(struct pollfd){.fd = p->client.fd, .events = POLLIN}, 1, 10000));
}

/* A client as ours, but its socket waits: so it has all of a handshake that is to come. */
static void shake(struct pair *p, struct tls *server)
{
    p->client.tls = tls_begin(w.client);
    SSL_set_fd(p->client.tls, p->client.fd);
    p->client_got = p->server_got = CONN_LATER;
    while (p->server_got == CONN_LATER) {
        if (!SSL_is_init_finished(p->client.tls)) {
            struct timeval soon = {.tv_usec = 10000};

            assert_int_equal(0,
                             setsockopt(p->client.fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon));
            (void)SSL_do_handshake(p->client.tls);
        }
        p->server_got = conn_accept_tls(&p->server, server, NULL);
    }
    assert_int_equal(CONN_SOME, p->server_got);
    p->client.shaken = true;
}

/* Bytes that came before the server said anything, and with it. */
static bool ticket_waits(struct tls *server, const char *protocol)
{
    struct pair p = tcp_pair();
    size_t before, len;

    shake(&p, server);
    assert_string_equal(protocol, SSL_get_version(p.server.tls));
    before = has_come(&p);
    assert_int_equal(CONN_SOME, conn_write(&p.server, &SPAN("220 mx.example\r\n"), 1, &len));
    await(&p);

    char heard[64];
    size_t got = 0;

    assert_true(has_come(&p) > 5 + 16 + 1 + 16 + 100); /* the ticket is there, too */
    assert_int_equal(1, SSL_read_ex(p.client.tls, heard, sizeof heard, &got));
    assert_int_equal(16, got);
    pair_close(&p);
    return before == 0;
}

static void a_ticket_leaves_with_what_is_said_next(void **state)
{
    const char *file = world_file("bio.pem", &w, &(struct ca_wish){.subject = "mx.example"});
    struct tls *server = pair_server(&file, 1, tickets);
    bool waited = false;

    (void)state;
    for (int i = 0; i < TRIES && !waited; i++)
        waited = ticket_waits(server, "TLSv1.3");
    assert_true(waited);
    tls_free(&server);
}

static unsigned segments_sent(const struct conn *c)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;

    assert_int_equal(0, getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len));
    return info.tcpi_data_segs_out;
}

/* Two records, which are less than a segment of loopback. The last does not wait for more. */
static bool records_leave_at_once(void)
{
    static char text[TLS_RECORD + 4096], heard[TLS_RECORD];
    struct pair p = tcp_pair();
    struct span half = {text, sizeof text / 2}, pieces[] = {half, half};
    size_t len, got = 0;
    int unsent = -1;

    shake(&p, w.server);
    unsigned before = segments_sent(&p.server);

    assert_int_equal(CONN_SOME, conn_write(&p.server, pieces, 2, &len));
    assert_int_equal(sizeof text, len);
    assert_int_equal(0, ioctl(p.server.fd, SIOCOUTQNSD, &unsent));
    bool as_one = unsent == 0 && segments_sent(&p.server) == before + 1;

    for (size_t all = 0; all < sizeof text; all += got)
        assert_int_equal(1, SSL_read_ex(p.client.tls, heard, sizeof heard, &got));
    pair_close(&p);
    return as_one;
}

static void records_of_one_write_leave_together(void **state)
{
    bool as_one = false;

    (void)state;
    for (int i = 0; i < TRIES && !as_one; i++)
        as_one = records_leave_at_once();
    assert_true(as_one);
}

static bool last_words_wait(bool secure)
{
    struct pair p = tcp_pair();
    char heard[64];
    size_t len, got = 0;

    if (secure) {
        shake(&p, w.server);
        assert_int_equal(CONN_SOME, conn_write(&p.server, &SPAN("220\r\n"), 1, &len));
        assert_int_equal(1, SSL_read_ex(p.client.tls, heard, sizeof heard, &got));
    }
    conn_leave(&p.server);
    assert_int_equal(CONN_SOME, conn_write(&p.server, &SPAN("221 Bye\r\n"), 1, &len));
    assert_int_equal(9, len);

    bool waited = has_come(&p) == 0;

    conn_clear(&p.server);
    await(&p);
    if (secure) {
        assert_int_equal(1, SSL_read_ex(p.client.tls, heard, sizeof heard, &got));
        assert_int_equal(9, got);
        assert_int_equal(0, SSL_read_ex(p.client.tls, heard, sizeof heard, &got));
        assert_int_equal(SSL_ERROR_ZERO_RETURN, SSL_get_error(p.client.tls, 0));
    } else {
        assert_int_equal(9, recv(p.client.fd, heard, sizeof heard, 0));
        assert_int_equal(0, recv(p.client.fd, heard, sizeof heard, 0));
    }
    pair_close(&p);
    return waited;
}

static void last_words_leave_with_the_end(void **state)
{
    (void)state;
    for (int secure = 0; secure < 2; secure++) {
        bool waited = false;

        for (int i = 0; i < TRIES && !waited; i++)
            waited = last_words_wait(secure);
        assert_true(waited);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_leaves_with_what_is_said_next),
        cmocka_unit_test(records_of_one_write_leave_together),
        cmocka_unit_test(last_words_leave_with_the_end),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
