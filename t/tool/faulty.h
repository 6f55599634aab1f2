/* SPDX-License-Identifier: Apache-2.0
 *
 * faulty - what the halves of t/tool/faulty.c share: one connection, and how it goes wrong.
 */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>

enum { PATIENCE_SECONDS = 20, FAULTY_LINE = 512 };

enum phase {
    GREETING,
    EHLO,
    STARTTLS,
    SHAKE,
    INSIDE,
    AUTH,
    MAIL,
    RCPT,
    DATA,
    MESSAGE,
    DOT,
    RSET,
    QUIT,
    PHASES
};

struct rule {
    char address[32], chain[256], key[256], tls[8], phase[16], fault[16];
    unsigned nth;
};

/* Of this process's connection. */
extern struct rule rule;
extern int fd, out;
extern SSL *tls;
extern unsigned seen[PHASES];

/* A line of the log. */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void leave(void) __attribute__((noreturn));
bool hear_byte(char *c);
void say(const char *text);

/* A line without its end; false: there are no more. Half a line is written down, too. */
bool hear_line(char line[FAULTY_LINE]);

/* Counts this time: is it the one that goes wrong? */
bool is_due(enum phase at);

/* The rule's fault in place of the normal `text`. */
void say_fault(enum phase at, const char *text);

/* The answer; false: it was a fault. */
bool reply(enum phase at);

/* The handshake that goes wrong. */
void shake_wrong(void) __attribute__((noreturn));
