/* SPDX-License-Identifier: Apache-2.0
 *
 * dial - the side of SMTP that asks.
 *
 * The owner asks with dial_ask(), as many at a time as it likes; bytes from the upstream
 * go into `in`; dial_next() hands out one whole reply at a time, with the ticket of the
 * question it answers. The greeting answers ticket 0.
 *
 * A message is not copied: its pieces are borrowed from the owner and go out between the
 * commands before it and the lone dot behind it (dial_pieces(), dial_went()). The owner
 * sends a message only after the 354, or in chunks behind their counts.
 *
 * What is no reply of SMTP is the end: a line without CRLF, another code in its last line
 * than in the first, more bytes than those below, a reply that nobody asked for. Control
 * characters in a reply become '?' before the owner sees it.
 */
#pragma once

#include "base/buf.h"

enum {
    DIAL_REPLY_MAX = 4096,      /* a reply with all its lines */
    DIAL_CHALLENGE_MAX = 12288, /* 334 and its text (RFC 4954, 4) */
    DIAL_OUT_MAX = 32768,       /* commands that wait to be sent; a line of AUTH is the longest */
    DIAL_DEPTH = 32,            /* questions without an answer */
};

struct heard {
    unsigned ticket;
    int code;
    struct span text; /* all its lines, with their ends; borrowed until the next call */
};

struct dial {
    struct buf in, out;
    unsigned asked[DIAL_DEPTH]; /* their tickets */
    unsigned first, next;
    size_t lent;
    bool deferred;       /* the only question there is has not gone */
    unsigned ending;     /* bytes of the lone dot's line that are still to go */
    unsigned long chunk; /* octets of a chunk, likewise */
};

void dial_init(struct dial *d);
void dial_clear(struct dial *d);

/* As buf_share() and buf_grew(), and the same in one, by copy. */
MUST size_t dial_space(struct dial *d, char **at);
void dial_grew(struct dial *d, size_t count);
MUST bool dial_feed(struct dial *d, struct span bytes);

/* Others come first from here: as buf_settle(), for what no reply points at. */
void dial_settle(struct dial *d);

/* Bytes before SMTP begins, such as a PROXY header: no reply comes to them. */
MUST bool dial_preface(struct dial *d, struct span bytes);

/* `line` with its CRLF. False: too much is unanswered, `out` is full, or the lone dot or a chunk
 * has not gone yet. */
MUST bool dial_ask(struct dial *d, unsigned ticket, struct span line);

/* What was just asked stays here until dial_resume(), or until the next question: then both go
 * together (RFC 2920). Only where nothing else was asked or waits to be sent. */
void dial_defer(struct dial *d);
void dial_resume(struct dial *d);

/* The message is complete: its lone dot goes behind the last of it, and the reply has this
 * ticket. False as above. */
MUST bool dial_end(struct dial *d, unsigned ticket);

/* BDAT: `line`, and then so many bytes of the message. False as above. */
MUST bool dial_chunk(struct dial *d, unsigned ticket, struct span line, unsigned long octets);

/* Is there more of a message to come before what was asked last can be answered? */
bool dial_is_sending(const struct dial *d);

/* May the owner ask something of `len` bytes? */
bool dial_has_room(const struct dial *d, size_t len);

/* How many questions are without an answer; one that is deferred is none yet. */
unsigned dial_waits(const struct dial *d);

/* 1: a reply. 0: feed me. -1: this is not SMTP, or nobody asked. */
MUST int dial_next(struct dial *d, struct heard *out);

/* The same where nothing is owed: a server that does not want the rest of a message may say so
 * before its end. The ticket is 0. */
MUST int dial_early(struct dial *d, struct heard *out);

/* What should go to the wire now, in order, in up to 3 pieces, all borrowed: commands, then
 * `body`, then the lone dot once dial_end() was called. Their number comes back; none is
 * empty. */
enum { DIAL_PIECES = 3 };
size_t dial_pieces(const struct dial *d, struct span body, struct span out[DIAL_PIECES]);

/* Would there be any without a body? */
static inline bool dial_has_pieces(const struct dial *d)
{
    return (buf_len(&d->out) > 0 && !d->deferred) || d->ending > 0;
}

/* `count` bytes of these pieces went. How many of those were of the body comes back. */
size_t dial_went(struct dial *d, struct span body, size_t count);

/* TLS has begun: true if the upstream said nothing behind its 220 (RFC 3207, 6; reply
 * injection), owes nothing, and was asked before it answered; false: close. */
MUST bool dial_secured(struct dial *d);
