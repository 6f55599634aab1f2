/* SPDX-License-Identifier: Apache-2.0 */
#include "t/lib/pair.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

struct pair pair_open(int room)
{
    int fd[2];
    struct pair p = {.asks = NULL};

    (void)sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd));
    for (int i = 0; room && i < 2; i++)
        assert_int_equal(0, setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room));
    conn_init(&p.client, fd[0]);
    conn_init(&p.server, fd[1]);
    p.client_got = p.server_got = CONN_LATER;
    return p;
}

void pair_close(struct pair *p)
{
    conn_clear(&p->client);
    conn_clear(&p->server);
}

void pair_shake(struct pair *p, struct tls *client, struct tls *server, const char *name,
                struct ssl_session_st *session)
{
    p->client_got = p->server_got = CONN_LATER;
    for (int round = 0; round < 1000; round++) {
        if (p->client_got == CONN_LATER)
            p->client_got = conn_connect_tls(&p->client, client, name, session);
        if (p->server_got == CONN_LATER)
            p->server_got = conn_accept_tls(&p->server, server, p->asks);
        if (p->client_got != CONN_LATER && p->server_got != CONN_LATER)
            return;
        if (p->client_got == CONN_FAILED || p->server_got == CONN_FAILED)
            round += 990; /* the other side may still hear of it */
    }
}

static void say(struct conn *from, struct conn *to)
{
    char heard[8];
    size_t len;

    assert_int_equal(CONN_SOME, conn_write(from, &SPAN("hello"), 1, &len));
    assert_int_equal(5, len);
    assert_int_equal(CONN_SOME, conn_read(to, heard, sizeof heard, &len));
    assert_int_equal(5, len);
    assert_memory_equal("hello", heard, 5);
}

void pair_talk(struct pair *p)
{
    say(&p->client, &p->server);
    say(&p->server, &p->client);
}

struct tls *pair_server(const char *const *files, size_t count, struct tickets *tickets)
{
    struct cert_file at[4];
    char why[256] = "";

    assert_true(count <= 4);
    for (size_t i = 0; i < count; i++)
        at[i] = (struct cert_file){files[i], ""};
    struct tls_server_conf conf = {
        .certs = {at, count},
        .ciphers = "",
        .ciphersuites = "",
        .least = TLS_1_2,
        .ca_file = "",
        .session_context = SPAN("test"),
    };
    struct tls *t = tls_server_new(&conf, tickets, why, sizeof why);

    assert_string_equal("", why);
    assert_non_null(t);
    return t;
}

struct tls *pair_client(const char *ca_file)
{
    char why[256] = "";
    struct tls_client_conf conf = {
        .cert = {"", ""},
        .ca_file = ca_file,
        .ciphers = "",
        .ciphersuites = "",
        .least = TLS_1_2,
        .security_level = -1,
    };
    struct tls *t = tls_client_new(&conf, why, sizeof why);

    assert_string_equal("", why);
    assert_non_null(t);
    return t;
}

const char *world_file(const char *name, const struct world *w, const struct ca_wish *wish)
{
    struct ca_cert c = ca_make(wish);
    const char *path = ca_write(name, &c, &w->root, CA_KEY | CA_CERT, NULL);

    ca_free(&c);
    return path;
}

struct world world_make(void)
{
    struct world w = {.root = ca_make(&(struct ca_wish){.subject = "root", .is_ca = 1})};
    const struct ca_wish wish = {.subject = "cn.example",
                                 .names = "DNS:mx.example,DNS:*.w.example,DNS:p*.x.example",
                                 .issuer = &w.root};
    const char *file = world_file("mx.pem", &w, &wish);

    w.ca_file = ca_write("root.pem", &w.root, &w.root, CA_CERT, NULL);
    w.server = pair_server(&file, 1, NULL);
    w.client = pair_client(w.ca_file);
    return w;
}

void world_end(struct world *w)
{
    tls_free(&w->server);
    tls_free(&w->client);
    ca_free(&w->root);
    ca_sweep();
}

struct pair world_open(const struct world *w, int room)
{
    struct pair p = pair_open(room);

    pair_shake(&p, w->client, w->server, "mx.example", NULL);
    assert_int_equal(CONN_SOME, p.client_got);
    assert_int_equal(CONN_SOME, p.server_got);
    pair_talk(&p);
    return p;
}
