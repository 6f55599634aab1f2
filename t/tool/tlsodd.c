/* SPDX-License-Identifier: Apache-2.0
 *
 * tlsodd - a client that does with TLS what clients of mail seldom do.
 *
 *     tlsodd PORT ODDITY
 *
 * TLS begins with the first byte. What the server says goes to standard output, and then how it
 * ended, as a word in brackets. Oddities are rows of `oddities`.
 */
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 20, UPDATES = 20000 };

static int fd;
static SSL *tls;

static void die(const char *what)
{
    printf("[%s]\n", what);
    exit(1);
}

/* What is there until the last line of a reply that begins with `code`; "" for: until the end. */
static void hear(const char *code)
{
    char line[1024];
    size_t len = 0, got;

    while (SSL_read_ex(tls, line + len, 1, &got)) {
        len += got;
        if (line[len - 1] != '\n' && len < sizeof line - 1)
            continue;
        printf("%.*s", (int)len, line);
        if (*code && len > 3 && !strncmp(line, code, 3) && line[3] == ' ')
            return;
        len = 0;
    }
    die(SSL_get_shutdown(tls) & SSL_RECEIVED_SHUTDOWN ? "close_notify" : "closed");
}

static void say(const char *text)
{
    size_t sent;

    if (!SSL_write_ex(tls, text, strlen(text), &sent))
        die("not taken");
}

static void update_keys(int kind)
{
    if (!SSL_key_update(tls, kind) || SSL_do_handshake(tls) != 1)
        die("no key update");
}

/* Answers come in new keys, both ways. */
static void key_update(void)
{
    hear("220");
    update_keys(SSL_KEY_UPDATE_REQUESTED);
    say("EHLO odd.test\r\n");
    hear("250");
    update_keys(SSL_KEY_UPDATE_NOT_REQUESTED);
    update_keys(SSL_KEY_UPDATE_REQUESTED);
    say("QUIT\r\n");
    hear("221");
    printf("[updated]\n");
}

/* Asks for new keys time and again, all at one go: what took long to make comes in no time.
 * `every`: behind so many there is a byte of a line; 0: none. */
static void flood(unsigned every)
{
    BIO *later = BIO_new(BIO_s_mem()), *wire = SSL_get_wbio(tls);
    char *bytes;
    long len;
    ssize_t sent = 1;

    hear("220");
    BIO_up_ref(wire);
    SSL_set0_wbio(tls, later);
    for (unsigned i = 1; i <= UPDATES; i++) {
        update_keys(SSL_KEY_UPDATE_REQUESTED);
        if (every > 0 && i % every == 0)
            say("x");
    }
    len = BIO_get_mem_data(later, &bytes);
    for (long at = 0; at < len && sent > 0; at += sent)
        sent = send(fd, bytes + at, (size_t)(len - at), MSG_NOSIGNAL);
    SSL_set0_wbio(tls, wire);
    printf("[sent]\n");
    hear("");
}

static void key_flood(void)
{
    flood(0);
}

static void key_heaps(void)
{
    flood(1000);
}

/* Asks for new keys all the time and reads none of them; a byte of a line now and then, and no
 * flood is to be seen. */
static void key_thirst(void)
{
    BIO *later = BIO_new(BIO_s_mem()), *wire = SSL_get_wbio(tls);
    char *bytes;
    ssize_t sent = 1;

    hear("220");
    BIO_up_ref(wire);
    SSL_set0_wbio(tls, later);
    for (unsigned i = 0; i < UPDATES; i++) {
        if (i % 16 == 0)
            say("x");
        update_keys(SSL_KEY_UPDATE_REQUESTED);
    }
    printf("[sending]\n");
    fflush(stdout);
    for (long len = BIO_get_mem_data(later, &bytes); len > 0 && sent > 0;
         len -= sent, bytes += sent)
        sent = send(fd, bytes, (size_t)len, MSG_NOSIGNAL);
    SSL_set0_wbio(tls, wire);
    pause();
}

static void renegotiate(void)
{
    hear("220");
    if (SSL_renegotiate(tls) != 1 || SSL_do_handshake(tls) != 1)
        die("refused");
    /* A server that says nothing to it has to answer to what follows. */
    say("EHLO odd.test\r\n");
    hear("250");
    printf("[renegotiated]\n");
}

static void shutdown_tls(void)
{
    if (SSL_shutdown(tls) < 0)
        die("no close_notify");
}

/* Says all it has to say, then that it has no more to say, and listens. */
static void half_close(void)
{
    hear("220");
    say("EHLO odd.test\r\n");
    hear("250");
    say("NOOP\r\nRSET\r\nVRFY someone\r\n");
    shutdown_tls();
    hear("");
}

/* After the end of TLS no byte is of the session. */
static void clear_after_close(void)
{
    static const char clear[] = "MAIL FROM:<evil@odd.test>\r\n";

    hear("220");
    say("EHLO odd.test\r\n");
    hear("250");
    shutdown_tls();
    (void)!send(fd, clear, sizeof clear - 1, MSG_NOSIGNAL);
    hear("");
}

/* Records of one byte. */
static void drops(void)
{
    static const char text[] = "EHLO odd.test\r\nNOOP\r\nQUIT\r\n";
    size_t sent;

    hear("220");
    for (const char *p = text; *p; p++)
        if (!SSL_write_ex(tls, p, 1, &sent))
            die("not taken");
    hear("221");
    printf("[dropped]\n");
}

static const struct oddity {
    const char *name;
    int version;
    void (*run)(void);
} oddities[] = {
    {"key-update", TLS1_3_VERSION, key_update},
    {"key-flood", TLS1_3_VERSION, key_flood},
    {"key-heaps", TLS1_3_VERSION, key_heaps},
    {"key-thirst", TLS1_3_VERSION, key_thirst},
    {"renegotiate", TLS1_2_VERSION, renegotiate},
    {"half-close", TLS1_3_VERSION, half_close},
    {"half-close-1.2", TLS1_2_VERSION, half_close},
    {"clear-after-close", TLS1_3_VERSION, clear_after_close},
    {"drops", TLS1_3_VERSION, drops},
};

static void call(unsigned short port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    /* So the end of patience is EAGAIN, not a test that hangs. */
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int));
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        die("no connection");
}

static void shake(int version)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    SSL_CTX_set_min_proto_version(ctx, version);
    SSL_CTX_set_max_proto_version(ctx, version);
    tls = SSL_new(ctx);
    SSL_set_fd(tls, fd);
    if (SSL_connect(tls) != 1)
        die("no handshake");
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 3 && i < sizeof oddities / sizeof *oddities; i++) {
        if (strcmp(argv[2], oddities[i].name) != 0)
            continue;
        call((unsigned short)strtoul(argv[1], NULL, 10));
        shake(oddities[i].version);
        oddities[i].run();
        return 0;
    }
    fprintf(stderr, "tlsodd PORT ODDITY; the oddities are in its source\n");
    return 2;
}
