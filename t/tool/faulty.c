/* SPDX-License-Identifier: Apache-2.0
 *
 * faulty - a mail server far away that does wrong what its rules say, and writes down what it
 * hears.
 *
 *     faulty PORT RULES LOG
 *
 * It serves all addresses; a line of RULES is for one of them: ADDRESS CHAIN KEY TLS PHASE NTH
 * FAULT. TLS is the highest protocol ("1.0" to "1.3"), or "none": STARTTLS is not offered. The
 * fault comes with the NTH answer of its phase on each connection: see reply() and shake(). "-" for
 * none. A line of LOG: ADDRESS CONNECTION, "clear" or "tls", and what was heard; the words "message
 * HASH", "part" and "took" are about a message. Each connection has its own process.
 */
#include "t/tool/faulty.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int version(const char *name)
{
    return !strcmp(name, "1.0")   ? TLS1_VERSION
           : !strcmp(name, "1.1") ? TLS1_1_VERSION
           : !strcmp(name, "1.2") ? TLS1_2_VERSION
                                  : TLS1_3_VERSION;
}

static void shake(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (is_due(SHAKE))
        shake_wrong();
    SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(ctx, version(rule.tls));
    if (SSL_CTX_use_certificate_chain_file(ctx, rule.chain) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, rule.key, SSL_FILETYPE_PEM) != 1)
        note("no certificate");
    SSL *s = SSL_new(ctx);

    SSL_set_fd(s, fd);
    if (SSL_accept(s) != 1) {
        note("handshake fails");
        leave();
    }
    tls = s;
    note("begins %s", SSL_get_version(tls));
    if (!strcmp(rule.phase, "ehlo2") && !strcmp(rule.fault, "banner"))
        say("220 another ESMTP\r\n");
}

/* The answer to a message is in: what was it? */
static void hear_message(void)
{
    EVP_MD_CTX *sum = EVP_MD_CTX_new();
    unsigned char hash[32];
    char c, last[6] = "\r\n", hex[65];
    bool early = false, lied = false;

    EVP_DigestInit_ex(sum, EVP_sha256(), NULL);
    while (strcmp(last, "\r\n.\r\n") != 0) {
        if (!hear_byte(&c)) {
            note("part");
            leave();
        }
        EVP_DigestUpdate(sum, &c, 1);
        size_t len = strlen(last);

        if (len == 5)
            memmove(last, last + 1, len--);
        last[len] = c;
        last[len + 1] = '\0';
        if (early || !is_due(MESSAGE))
            continue;
        early = true;
        lied = !strcmp(rule.fault, "lie");
        say_fault(MESSAGE, "");
    }
    EVP_DigestFinal_ex(sum, hash, NULL);
    for (unsigned i = 0; i < sizeof hash; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    note("message %s", hex);
    if (early) {
        if (lied)
            note("took");
        return;
    }
    /* What closes behind its 250 has taken it. */
    bool takes = strcmp(rule.phase, "dot") != 0 || seen[DOT] + 1 != rule.nth ||
                 (!tls && !strcmp(rule.fault, "cutnotify")) ||
                 strstr("twice early shut drops update flood hello again", rule.fault);

    if (takes)
        note("took");
    reply(DOT);
}

static void answer(const char *line)
{
    static const struct {
        const char *verb;
        enum phase at;
    } verbs[] = {{"STARTTLS", STARTTLS}, {"MAIL", MAIL}, {"RCPT", RCPT}, {"DATA", DATA},
                 {"RSET", RSET},         {"QUIT", QUIT}, {"AUTH", AUTH}};

    if (!strncmp(line, "EHLO", 4) || !strncmp(line, "HELO", 4)) {
        reply(tls ? INSIDE : EHLO);
        return;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strncmp(line, verbs[i].verb, strlen(verbs[i].verb)) != 0)
            continue;
        enum phase at = verbs[i].at;
        bool well =
            reply(at) || strstr("twice early inject drops update flood hello again", rule.fault);

        if (at == QUIT && well)
            leave();
        if (at == STARTTLS && well)
            shake();
        if (at == DATA && well)
            hear_message();
        return;
    }
    say("500 what?\r\n");
}

static void serve(const char *rules)
{
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    char own[32], line[800];
    FILE *in = fopen(rules, "r");
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    getsockname(fd, (struct sockaddr *)&at, &len);
    inet_ntop(AF_INET, &at.sin_addr, own, sizeof own);
    while (in && fgets(line, sizeof line, in) &&
           (sscanf(line, "%31s %255s %255s %7s %15s %u %15s", rule.address, rule.chain, rule.key,
                   rule.tls, rule.phase, &rule.nth, rule.fault) != 7 ||
            strcmp(own, rule.address) != 0))
        ;
    reply(GREETING);
    while (hear_line(line))
        answer(line);
    leave();
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    if (argc != 4)
        return 2;
    at.sin_port = htons((unsigned short)strtoul(argv[1], NULL, 10));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    out = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (out < 0 || bind(listener, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(listener, 512) != 0)
        return 1;
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    for (;;) {
        fd = accept(listener, NULL, NULL);
        if (fd >= 0 && fork() == 0) {
            close(listener);
            sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
            serve(argv[2]);
        }
        if (fd >= 0)
            close(fd);
    }
}
