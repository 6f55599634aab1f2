/* SPDX-License-Identifier: Apache-2.0
 *
 * floor - what TLS costs at least: a blind relay that takes it off, and knows nothing of SMTP.
 *
 *   floor -a 127.0.0.1:4650 -b 127.0.0.1:2525 -c CERTIFICATE_AND_KEY.pem [-s]
 *
 * One thread, edge-triggered epoll, each socket registered once; what the socket gave less than
 * asked for is not asked again; 64 KB read-ahead, and one send for all that an event brought, the
 * ticket with the greeting. -s: STARTTLS, in the two answers that a client waits for; what the
 * other side says first is not passed on then. Prints "ready"; ends when stdin ends.
 */
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/addr.h"

/* The cheapest of those that all have, first: as peers have it. */
#define SUITES "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

enum { AHEAD = 65536, OUT = 2 * AHEAD, EVENTS = 256, BACKLOG = 4096 };

struct pair;

struct side {
    struct pair *pair;
    int fd;
    bool readable; /* as far as we know */
    bool last;     /* the end has been announced: read up to it */
    bool over;
    char *held; /* ours: what the socket did not take */
    size_t held_len;
};

struct pair {
    struct side client, server;
    SSL *tls;
    struct pair *next; /* of the dead */
    enum { ASKED_NOTHING, SAID_EHLO, SAID_STARTTLS, SHAKES, RELAYS } at;
    bool greeted, dead;
};

static struct {
    int epoll, listener;
    bool starttls;
    struct addr here, there;
    SSL_CTX *tls;
    BIO_METHOD *method;
    struct pair *dead; /* their events may still be in this batch */
} all;

static char ahead[AHEAD], out[OUT];
static size_t out_len;

static void put(struct side *to, const char *at, size_t len)
{
    ssize_t sent = to->held_len ? 0 : send(to->fd, at, len, MSG_NOSIGNAL);
    size_t left = len - (sent > 0 ? (size_t)sent : 0);

    if (sent < 0 && errno != EAGAIN)
        to->over = true;
    if (left == 0 || to->over)
        return;
    to->held = realloc(to->held, to->held_len + left);
    if (!to->held)
        exit(2);
    memcpy(to->held + to->held_len, at + len - left, left);
    to->held_len += left;
}

static void put_held(struct side *to)
{
    char *held = to->held;
    size_t len = to->held_len;

    if (len == 0)
        return;
    to->held = NULL;
    to->held_len = 0;
    put(to, held, len);
    free(held);
}

static void flush(struct pair *p)
{
    if (out_len > 0)
        put(&p->client, out, out_len);
    out_len = 0;
}

/* -1: nothing now, or never again (`over`). */
static ssize_t take(struct side *from, char *to, size_t size)
{
    ssize_t got = -1;

    if (!from->readable || from->over)
        return -1;
    got = recv(from->fd, to, size, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN))
        from->over = true;
    if (got < 0 || ((size_t)got < size && !from->last))
        from->readable = false;
    return got > 0 ? got : -1;
}

static int bio_write(BIO *b, const char *at, int len)
{
    struct pair *p = BIO_get_data(b);
    size_t size = (size_t)len;

    if (size > OUT - out_len)
        flush(p);
    memcpy(out + out_len, at, size);
    out_len += size;
    return len;
}

static int bio_read(BIO *b, char *to, int size)
{
    struct pair *p = BIO_get_data(b);
    ssize_t got = take(&p->client, to, (size_t)size);

    BIO_clear_retry_flags(b);
    if (got < 0 && !p->client.over)
        BIO_set_retry_read(b);
    return (int)got;
}

static long bio_ctrl(BIO *b, int what, long number, void *at)
{
    (void)b;
    (void)number;
    (void)at;
    return what == BIO_CTRL_FLUSH;
}

static bool watch(struct side *s)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = s};

    return epoll_ctl(all.epoll, EPOLL_CTL_ADD, s->fd, &e) == 0;
}

static void pair_end(struct pair *p)
{
    if (p->tls) {
        if (p->at == RELAYS && SSL_shutdown(p->tls) >= 0)
            flush(p);
        SSL_free(p->tls);
    }
    out_len = 0;
    close(p->client.fd);
    if (p->server.fd >= 0)
        close(p->server.fd);
    free(p->client.held);
    free(p->server.held);
    p->dead = true;
    p->next = all.dead;
    all.dead = p;
}

static bool begin_tls(struct pair *p)
{
    BIO *bio = BIO_new(all.method);

    p->tls = SSL_new(all.tls);
    if (!p->tls || !bio)
        return false;
    BIO_set_data(bio, p);
    BIO_set_init(bio, 1);
    SSL_set_bio(p->tls, bio, bio);
    SSL_set_accept_state(p->tls);
    p->at = SHAKES;
    return true;
}

/* STARTTLS as clients do it: a line, an answer, a line, an answer. False: not such a client. */
static bool answer(struct pair *p)
{
    static const char ehlo[] = "250-floor.test\r\n250-PIPELINING\r\n250 STARTTLS\r\n";
    static const char go[] = "220 2.0.0 Go ahead\r\n";
    ssize_t got = take(&p->client, ahead, AHEAD);

    if (got < 0)
        return true;
    if (ahead[got - 1] != '\n')
        return false;
    if (p->at == SAID_EHLO) {
        put(&p->client, go, sizeof go - 1);
        return begin_tls(p);
    }
    put(&p->client, ehlo, sizeof ehlo - 1);
    p->at = SAID_EHLO;
    return true;
}

static void upward(struct pair *p)
{
    bool more = true;

    while (more && p->server.held_len == 0) {
        size_t len = 0, got;

        while ((more = len < AHEAD && SSL_read_ex(p->tls, ahead + len, AHEAD - len, &got)))
            len += got;
        if (len > 0)
            put(&p->server, ahead, len);
        if (len < AHEAD && SSL_get_error(p->tls, 0) != SSL_ERROR_WANT_READ)
            p->client.over = true;
        more = len == AHEAD;
    }
}

static void downward(struct pair *p)
{
    ssize_t got;
    size_t done;

    while (p->client.held_len == 0 && (got = take(&p->server, ahead, AHEAD)) > 0) {
        const char *end = all.starttls && !p->greeted ? memchr(ahead, '\n', (size_t)got) : NULL;
        size_t skip = end ? (size_t)(end - ahead) + 1 : 0;

        p->greeted = true;
        if (skip < (size_t)got && !SSL_write_ex(p->tls, ahead + skip, (size_t)got - skip, &done)) {
            p->client.over = true;
            return;
        }
        flush(p);
    }
}

/* False: it is over. */
static bool step(struct pair *p)
{
    ERR_clear_error();
    put_held(&p->client);
    put_held(&p->server);
    if (p->at < SHAKES && !answer(p))
        return false;
    if (p->at == SHAKES) {
        int done = SSL_do_handshake(p->tls);

        if (done == 1)
            p->at = RELAYS;
        else if (SSL_get_error(p->tls, done) != SSL_ERROR_WANT_READ)
            p->client.over = true;
    }
    if (p->at == RELAYS) {
        downward(p); /* what waits there goes out with the ticket */
        upward(p);
    }
    flush(p);
    return !p->client.over && !(p->server.over && p->client.held_len == 0);
}

static void accept_all(void)
{
    struct sockaddr_storage there;
    unsigned len = addr_to_sockaddr(&all.there, (struct sockaddr *)&there, sizeof there);
    static const char greeting[] = "220 floor.test ESMTP\r\n";
    int fd;

    while ((fd = accept4(all.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct pair *p = calloc(1, sizeof *p);

        if (!p)
            exit(2);
        p->client = (struct side){.pair = p, .fd = fd};
        p->server =
            (struct side){.pair = p, .fd = socket(there.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0)};
        setsockopt(p->server.fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        if (connect(p->server.fd, (struct sockaddr *)&there, len) < 0 && errno != EINPROGRESS)
            p->server.over = true;
        if (all.starttls)
            put(&p->client, greeting, sizeof greeting - 1);
        if (p->server.over || (!all.starttls && !begin_tls(p)) || !watch(&p->client) ||
            !watch(&p->server))
            pair_end(p);
    }
}

static bool make_tls(const char *cert)
{
    SSL_CTX *t = SSL_CTX_new(TLS_server_method());

    if (!t || SSL_CTX_use_certificate_chain_file(t, cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(t, cert, SSL_FILETYPE_PEM) != 1)
        return false;
    SSL_CTX_set_mode(t, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(t, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE);
    if (SSL_CTX_set_ciphersuites(t, SUITES) != 1)
        return false;
    SSL_CTX_set_read_ahead(t, 1);
    SSL_CTX_set_default_read_buffer_len(t, AHEAD);
    SSL_CTX_set_session_cache_mode(t, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(t, 1);
    all.tls = t;
    all.method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "batch");
    return all.method && BIO_meth_set_write(all.method, bio_write) &&
           BIO_meth_set_read(all.method, bio_read) && BIO_meth_set_ctrl(all.method, bio_ctrl);
}

static bool make_listener(void)
{
    struct sockaddr_storage here;
    unsigned len = addr_to_sockaddr(&all.here, (struct sockaddr *)&here, sizeof here);
    struct epoll_event in = {.events = EPOLLIN, .data.ptr = &all.listener};
    struct epoll_event end = {.events = EPOLLIN, .data.ptr = NULL};

    all.epoll = epoll_create1(0);
    all.listener = socket(here.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(all.listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    setsockopt(all.listener, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* all inherit it */
    return bind(all.listener, (struct sockaddr *)&here, len) == 0 &&
           listen(all.listener, BACKLOG) == 0 &&
           epoll_ctl(all.epoll, EPOLL_CTL_ADD, all.listener, &in) == 0 &&
           epoll_ctl(all.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &end) == 0;
}

/* False: stdin has ended. */
static bool turn(void)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(all.epoll, events, EVENTS, -1);

    for (int i = 0; i < count; i++) {
        struct side *s = events[i].data.ptr;

        if (!s)
            return false;
        if (events[i].data.ptr == &all.listener) {
            accept_all();
            continue;
        }
        if (s->pair->dead)
            continue;
        if (events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            s->readable = true;
        if (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            s->last = true;
        if (!step(s->pair))
            pair_end(s->pair);
    }
    for (struct pair *p; (p = all.dead); free(p))
        all.dead = p->next;
    return true;
}

int main(int argc, char **argv)
{
    struct rlimit files;
    const char *cert = "";
    int letter, right = 0;

    while ((letter = getopt(argc, argv, "a:b:c:s")) != -1) {
        right += letter == 'a' && addr_read_port(span_of(optarg), &all.here);
        right += letter == 'b' && addr_read_port(span_of(optarg), &all.there);
        if (letter == 'c')
            cert = optarg;
        all.starttls = all.starttls || letter == 's';
    }
    if (right != 2 || !*cert) {
        fprintf(stderr, "floor: -a, -b ADDRESS:PORT and -c FILE are needed\n");
        return 64;
    }
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    mallopt(M_TRIM_THRESHOLD, 1 << 20); /* else read-ahead comes and goes with brk() */
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    if (!make_tls(cert) || !make_listener()) {
        ERR_print_errors_fp(stderr);
        fprintf(stderr, "floor: %s\n", strerror(errno));
        return 1;
    }
    puts("ready");
    fflush(stdout);
    while (turn())
        continue;
    return 0;
}
