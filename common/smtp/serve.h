/* SPDX-License-Identifier: Apache-2.0
 *
 * serve - the side of SMTP that answers.
 *
 * Bytes from the client go into `in` (serve_space() and serve_grew(), or serve_feed());
 * serve_next() hands out what they ask, one request at a time; serve_answer() takes the
 * answers, in any order, and puts them in `out` in the order of the requests. The call
 * itself is request zero, and the greeting answers it. What breaks the rules of verb.def
 * is answered here and never reaches the owner.
 *
 * A message stays in `in` and is not copied: serve_body() shows what of it may pass, and
 * the owner drops what it has passed on. So it is with the octets of a chunk (BDAT) behind its
 * request; those of one that is refused, here or by serve_drop_chunk(), are read and dropped
 * (RFC 3030, 2), and the next command is what comes behind them.
 *
 * What cannot be a client of SMTP, or could be two clients in one, ends the session: a
 * command whose line does not end in CRLF or holds a CR or NUL, HTTP (cross-protocol
 * attacks), something behind STARTTLS, something behind a DATA that was refused (it may
 * be the message), a BDAT without a count (who knows where the next command is?), a line of
 * AUTH that is too long (the upstream still waits for it), too many bad commands in a row, or too
 * many that bring no message nearer (serve_idles()). There is an answer in its turn, then
 * serve_is_over().
 *
 * It knows the grammar and the order of SMTP and nothing else: no sockets, no clock, no
 * TLS, no policy. The owner moves bytes and decides. Nothing a client sends reaches an
 * assert.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "smtp/chunk.h"
#include "smtp/dot.h"
#include "smtp/verb.h"

enum {
    SERVE_LINE_MAX = 2048,  /* a command with its CRLF (RFC 5321, 4.5.3.1.4, and room) */
    SERVE_AUTH_MAX = 12288, /* AUTH and the lines of its dialogue, likewise (RFC 4954, 4) */
    SERVE_REPLY_MAX = 4096, /* a reply with all its lines */
    SERVE_IN_MAX = 65536,   /* bytes of a client that wait in `in` */
    SERVE_DEPTH = 32,       /* requests that wait for their answers */
    SERVE_BAD_MAX = 20,     /* bad commands in a row */
    SERVE_IDLE_MAX = 100,   /* IDLE commands of the world until a message is accepted */
};

struct request {
    enum verb verb;
    struct span arg;      /* argument; borrowed until the next call, or serve_settle() */
    unsigned ticket;      /* hand it back with the answer */
    unsigned long octets; /* of BDAT: they follow */
};

/* IN and OUT of verb.def; and OUT in LMTP. */
enum serve_role { SERVE_WORLD, SERVE_MTA, SERVE_LMTP };

struct serve {
    enum serve_role role;
    enum { HEAR_LINES, HEAR_RESPONSE, HEAR_BODY, HEAR_CHUNK, HEAR_NOTHING, HEAR_NO_MORE } hear;
    bool greeted, secured, demand_tls;
    bool turned_away; /* the greeting was a 5xx: only QUIT is left (RFC 5321, 3.1) */
    bool overrun;     /* a line was too long: drop what remains of it */
    bool dropping;    /* what comes of this message, or of this chunk, goes nowhere */
    struct dot dot;
    struct chunk chunk;
    unsigned chunk_ticket;
    struct buf in, out;
    size_t lent;       /* front of `in` that the last request still points at */
    size_t body;       /* front of `in` that is message and may pass */
    size_t tail;       /* the lone dot's line behind it, once that was found */
    uint64_t received; /* bytes of the current message that may pass, without its dot */
    uint64_t size_max; /* of a message; 0: no limit */
    unsigned bad;      /* commands refused here, in a row */
    unsigned idle;     /* IDLE commands since the last message */
    /* Of what is owed: the verbs; and the answers that came before their turn, as many, ours as
     * well (NULL while there is none: an idle session has no use for 256 bytes). */
    uint8_t asked[SERVE_DEPTH];
    char **early;
    unsigned first, next; /* tickets: [first, next) are owed */
};

/* `demand_tls`: before TLS only CLEAR commands are taken, the rest is `530 5.7.0`. */
void serve_init(struct serve *s, enum serve_role role, bool demand_tls, enum dot_bare bare);
void serve_clear(struct serve *s);

/* As buf_share() and buf_grew(). No space: stop reading until some is served. */
MUST size_t serve_space(struct serve *s, char **at);
void serve_grew(struct serve *s, size_t count);

/* Others come first from here: as buf_settle(). What the last request points at is gone then; its
 * owner has a copy where it waits. */
void serve_settle(struct serve *s);

/* The same in one, by copy: all of it, or nothing and false. */
MUST bool serve_feed(struct serve *s, struct span bytes);

/* 1: here is a request. 0: feed me, answer first, empty `out` (a client who does not listen
 * is not heard), or it is over. */
MUST int serve_next(struct serve *s, struct request *out);

/* What of the message may pass now; borrowed until the next space, feed, settle, drop or
 * answer. */
struct span serve_body(const struct serve *s);
void serve_body_drop(struct serve *s, size_t count);

/* A message that outgrows this is dropped from there on, and VERB_OUTGROWN is its end; without
 * the dots that are doubled on the way (RFC 1870, 3). Chunks are for the owner to count. */
void serve_limit(struct serve *s, uint64_t size_max);
bool serve_has_outgrown(const struct serve *s);

/* The chunk that was asked for last goes nowhere, nor what has not gone of it yet. */
void serve_drop_chunk(struct serve *s);

/* Are there octets of a chunk, or of a message, that the client has not sent yet? */
bool serve_awaits_message(const struct serve *s);

/* Is this ticket still without an answer? */
bool serve_is_owed(const struct serve *s, unsigned ticket);

/* What the open ticket asked for. */
enum verb serve_asked(const struct serve *s, unsigned ticket);

/* `text` is a whole reply with its line ends, SERVE_REPLY_MAX at most, or SERVE_AUTH_MAX to
 * AUTH and in its dialogue; copied. A ticket that
 * is not owed (any more) is let be, so an upstream's answer may come after serve_end().
 * The answer to VERB_END, VERB_ABORT or VERB_OUTGROWN forgets what is left of the message. */
void serve_answer(struct serve *s, unsigned ticket, struct span text);

/* One of several replies to a ticket whose turn it is: LMTP answers a message for each recipient
 * (RFC 2033, 4.2). The last of them is for serve_answer(). False: no room now; empty `out`. */
MUST bool serve_answer_part(struct serve *s, unsigned ticket, struct span text);

/* Says `text` (a 421) to every open ticket's turn at once: one reply, then nothing more is
 * heard or answered. */
void serve_end(struct serve *s, struct span text);

/* All that will ever be said is in `out`: send it, then close. So it is after the answer to
 * QUIT, VERB_ABORT or VERB_OUTGROWN, a 4xx greeting, serve_end(), and what is listed above. */
bool serve_is_over(const struct serve *s);

/* What was asked last is refused, by rules that this room knows nothing of: as IDLE. */
void serve_count_idle(struct serve *s);

/* Was it the end that they were too many? */
bool serve_idles(const struct serve *s);

/* The handshake is over: forget all that was said in the clear (RFC 3207, 4.2).
 * False: something more was said after STARTTLS, so close. */
MUST bool serve_secured(struct serve *s);

/* TLS from the first byte: nothing was said in the clear; the greeting is still owed. */
void serve_born_secured(struct serve *s);
