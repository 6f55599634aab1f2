/* SPDX-License-Identifier: Apache-2.0
 *
 * verb - the commands of SMTP, and what may be asked when. The table is verb.def.
 */
#pragma once

#include "base/span.h"

enum verb {
#define VERB(name, arg, rules) VERB_##name,
#include "smtp/verb.def"
#undef VERB
    VERB_COUNT,
    VERB_RESPONSE = VERB_COUNT, /* the next line of an AUTH dialogue, as it came */
    VERB_END,                   /* the message is complete: serve_body() is its last piece */
    VERB_ABORT,                 /* the message broke the rules: answer and close */
    VERB_OUTGROWN,              /* it is complete, but above the limit: answer and close */
    VERB_LAST,                  /* BDAT, and this chunk is the last of the message */
    VERB_CONNECT,               /* the call itself: ticket 0 */
};

enum verb_rule {
    VERB_IN = 1,
    VERB_OUT = 2,
    VERB_OPEN = 4,
    VERB_CLEAR = 8,
    VERB_STOPS = 16,
    VERB_ALONE = 32,
    VERB_WAITS = 64,
    VERB_IDLE = 128,
    VERB_LMTP = 256,
    VERB_SMTP = 512,
};

/* "EHLO"; also "a line of AUTH" and the like, for logs. */
const char *verb_name(enum verb verb);

/* The verb at the front of a line, in any case (VERB_COUNT: there is none of that name), and
 * what follows it, without the spaces around it (RFC 5321, 4.1.1: be tolerant). */
enum verb verb_read(struct span line, struct span *arg);

/* The other way: the line with its CRLF, or one of AUTH's dialogue (VERB_RESPONSE). `to` has room
 * for the argument and VERB_ROOM bytes. */
enum { VERB_ROOM = 16 };
struct span verb_line(enum verb verb, struct span arg, char *to);

/* Do all of `rules` hold for it? This and what follows is for verbs of the table only. */
bool verb_has(enum verb verb, unsigned rules);

/* Is an argument there, or not there, as the verb wants it? */
bool verb_takes(enum verb verb, struct span arg);

/* May the characters of `arg` stand there? No control characters; more than ASCII only where
 * addresses are, and that must be UTF-8 (RFC 6531, 3.3). */
bool verb_may_say(enum verb verb, struct span arg);
