/* SPDX-License-Identifier: Apache-2.0 */
#include "t/tool/faulty.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ENDLESS = 1 << 20, FLOOD = 3000 };

static const char *const phases[PHASES] = {"greeting", "ehlo", "starttls", "handshake", "ehlo2",
                                           "auth",     "mail", "rcpt",     "data",      "message",
                                           "dot",      "rset", "quit"};
static const char *const normal[PHASES] = {
    [GREETING] = "220 mx ESMTP\r\n",
    [EHLO] = "250-mx\r\n250-STARTTLS\r\n250 PIPELINING\r\n",
    [STARTTLS] = "220 go\r\n",
    [SHAKE] = "",
    [INSIDE] = "250-mx\r\n250-AUTH PLAIN LOGIN\r\n250 PIPELINING\r\n",
    [AUTH] = "235 2.7.0 In\r\n",
    [MAIL] = "250 2.1.0 Ok\r\n",
    [RCPT] = "250 2.1.5 Ok\r\n",
    [DATA] = "354 go\r\n",
    [MESSAGE] = "",
    [DOT] = "250 2.0.0 Taken\r\n",
    [RSET] = "250 Ok\r\n",
    [QUIT] = "221 bye\r\n"};

struct rule rule;
int fd, out;
SSL *tls;
unsigned seen[PHASES];

void note(const char *fmt, ...)
{
    char line[600];
    int len = snprintf(line, sizeof line, "%s %d %s ", rule.address, (int)getpid(),
                       tls ? "tls" : "clear");
    va_list args;

    va_start(args, fmt);
    len += vsnprintf(line + len, sizeof line - (size_t)len - 1, fmt, args);
    va_end(args);
    if (len > (int)sizeof line - 2)
        len = sizeof line - 2;
    line[len++] = '\n';
    (void)!write(out, line, (size_t)len);
}

void leave(void)
{
    close(fd);
    _exit(0);
}

bool hear_byte(char *c)
{
    size_t got;

    return tls ? SSL_read_ex(tls, c, 1, &got) == 1 : recv(fd, c, 1, 0) == 1;
}

static void write_all(const char *text, size_t len)
{
    size_t sent;

    if (tls ? SSL_write_ex(tls, text, len, &sent) != 1
            : send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
        leave();
}

void say(const char *text)
{
    if (*text)
        write_all(text, strlen(text));
}

/* A line without its end; false: there are no more. Half a line is written down, too. */
bool hear_line(char line[FAULTY_LINE])
{
    size_t len = 0;
    char c = 0;

    while (c != '\n' && hear_byte(&c)) {
        if (c != '\r' && c != '\n' && len < FAULTY_LINE - 1)
            line[len++] = c < ' ' || c == 0x7f ? '?' : c;
    }
    line[len] = '\0';
    if (len > 0)
        note("%s", line);
    return len > 0 || c == '\n';
}

/* Hears whatever is said to the end, and says no more. */
static void fall_silent(void)
{
    char line[FAULTY_LINE];

    while (hear_line(line))
        ;
    leave();
}

static void reset(void)
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    leave();
}

static void say_endless(const char *text)
{
    for (unsigned i = 0; i < ENDLESS; i++)
        say(text);
    leave();
}

static void say_long(void)
{
    static char line[8192];

    memset(line, 'x', sizeof line);
    memcpy(line, "250 ", 4);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    write_all(line, sizeof line);
}

static void say_drops(const char *text)
{
    for (; *text; text++)
        write_all(text, 1);
}

static void update_keys(unsigned times)
{
    for (unsigned i = 0; tls && i < times; i++)
        if (SSL_version(tls) != TLS1_3_VERSION || !SSL_key_update(tls, SSL_KEY_UPDATE_REQUESTED) ||
            SSL_do_handshake(tls) != 1)
            return;
}

/* Asks for a new handshake, time and again. */
static void say_hello(void)
{
    for (unsigned i = 0; tls && i < FLOOD; i++)
        if (SSL_renegotiate(tls) != 1 || SSL_do_handshake(tls) != 1)
            return;
}

/* Words that end there. True: it was one of those. */
static bool say_end(const char *how)
{
    if (!strcmp(how, "close"))
        leave();
    if (!strcmp(how, "reset"))
        reset();
    if (!strcmp(how, "stall"))
        fall_silent();
    if (!strcmp(how, "endless"))
        say_endless("250-and so on, and so on, and so on\r\n");
    if (!strcmp(how, "babble"))
        say_endless("hello, world\r\n");
    if (!strcmp(how, "drip"))
        say_endless("x");
    return false;
}

static const struct {
    const char *fault, *text;
    bool and_normal, ends;
} words[] = {
    {"no4", "451-4.3.0 Not\r\n451 4.3.0 now\r\n", false, false},
    {"no5", "550 5.7.1 No\r\n", false, false},
    {"421", "421 4.3.2 Bye\r\n", false, true},
    {"nonsense", "hello, world\r\n", false, false},
    {"barelf", "250 Ok\n", false, false},
    {"mixed", "250-One\r\n550 Two\r\n", false, false},
    {"1xx", "150 wait\r\n", false, false},
    {"334", "334 VXNlcm5hbWU6\r\n", false, false},
    {"cut", "25", false, true},
    {"early", "250 2.0.0 Already\r\n", true, false},
};

void say_fault(enum phase at, const char *text)
{
    const char *how = rule.fault;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(how, words[i].fault) != 0)
            continue;
        if (words[i].and_normal)
            say(text);
        say(words[i].text);
        if (words[i].ends)
            leave();
        return;
    }
    if (say_end(how))
        return;
    if (!strcmp(how, "lie"))
        say(at == DATA || at == MESSAGE ? "250 Ok\r\n" : "354 go\r\n");
    else if (!strcmp(how, "long"))
        say_long();
    else if (!strcmp(how, "record")) /* what is no record of this session */
        (void)!send(fd, "\x15\x03\x03\0\2\2\x28", 7, MSG_NOSIGNAL);
    else if (!strcmp(how, "drops"))
        say_drops(text);
    else
        say(text);
}

/* Those that go on behind the normal answer, or come before it. */
static void around(const char *text)
{
    if (!strcmp(rule.fault, "update"))
        update_keys(1);
    else if (!strcmp(rule.fault, "flood"))
        update_keys(FLOOD);
    else if (!strcmp(rule.fault, "hello"))
        say_hello();
    else if (!strcmp(rule.fault, "again") && tls)
        (void)(SSL_renegotiate(tls) == 1 && SSL_do_handshake(tls) == 1);
    else if (!strcmp(rule.fault, "cutnotify") && tls) {
        say("25");
        SSL_shutdown(tls);
        leave();
    } else if (!strcmp(rule.fault, "shut")) {
        say(text);
        leave();
    } else if (!strcmp(rule.fault, "twice"))
        say(text);
}

bool is_due(enum phase at)
{
    return ++seen[at] == rule.nth && !strcmp(rule.phase, phases[at]);
}

bool reply(enum phase at)
{
    bool stripped = at == EHLO && !strcmp(rule.tls, "none");
    const char *text = stripped ? "250-mx\r\n250 PIPELINING\r\n" : normal[at];

    if (!is_due(at)) {
        say(text);
        return true;
    }
    around(text);
    if (at == STARTTLS && !strcmp(rule.fault, "inject"))
        say("220 go\r\n250-mx\r\n250 PIPELINING\r\n");
    else
        say_fault(at, text);
    return false;
}

/* Until the other side leaves. */
static void stand_still(void)
{
    (void)poll(&(struct pollfd){.fd = fd, .events = POLLRDHUP}, 1, PATIENCE_SECONDS * 1000);
}

/* Half of what a server says first; then it stands still. */
static void shake_half(void)
{
    char c;

    hear_byte(&c);
    say("\x16\x03\x03\x10");
    if (!strcmp(rule.fault, "half"))
        leave();
    stand_still();
    leave();
}

void shake_wrong(void)
{
    char c;

    if (!strncmp(rule.fault, "half", 4))
        shake_half();
    if (!strcmp(rule.fault, "alert")) {
        hear_byte(&c);
        write_all("\x15\x03\x01\0\2\2\x28", 7);
    } else if (!strcmp(rule.fault, "stall")) {
        stand_still();
    } else if (!strcmp(rule.fault, "clear")) {
        hear_byte(&c);
        say("250-mx\r\n250 PIPELINING\r\n");
        sleep(1);
    } else {
        (void)say_end(rule.fault);
    }
    leave();
}
