/* SPDX-License-Identifier: Apache-2.0
 *
 * slack - what lies between a connection and its socket for the length of a turn (turn.h): bytes
 * that were read before anybody asked for them, and such as were written but not sent yet.
 *
 * What is read ahead is to the connection as if it still waited in the socket. What waits to be
 * sent is to it as if the socket had taken it; should the socket not take it in the end, it stays
 * here, and goes before everything else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/span.h"

struct part;

struct slack {
    struct part *ahead, *behind; /* ours; NULL: none */
    int fd;                      /* borrowed */
    short broke;                 /* errno of reading ahead, that is still to be said; 0: none */
    bool corked : 1;             /* what is written waits */
    bool plenty : 1;             /* more comes at a time than is read ahead: then it is not */
    /* Of the bio on it (bio.h), which needs no memory of its own then. */
    bool filled : 1; /* the last read got all that it asked for */
    bool more : 1;   /* more follows what is written next */
    bool end : 1;    /* the end follows */
};

/* One for each connection, of which thousands are idle: what a small block of the heap holds. */
_Static_assert(sizeof(struct slack) <= 24, "an idle connection is small");

/* Is it no fault, but too soon? */
bool slack_is_later(int error);

/* As sendmsg(); for one piece it is send(), which costs less. */
MUST ssize_t slack_pass(int fd, const struct iovec *pieces, size_t count, int how);

/* NULL: no memory. What waits to be sent is gone with it. */
struct slack *slack_new(int fd);
void slack_free(struct slack **s);

/* Memory that nobody took since the last call goes back: how many pieces of 8 KB comes back. The
 * proxies call it once a second. */
unsigned slack_rest(void);

/* Reads what has come. */
void slack_fetch(struct slack *s);

/* As recv(), sendmsg() and errno: first what was read ahead; and, while it is corked, into memory
 * where a little is to be sent. What waited goes before. */
MUST ssize_t slack_recv(struct slack *s, void *to, size_t size);
MUST ssize_t slack_send(struct slack *s, const struct iovec *pieces, size_t count, int how);

/* Sends what waits. False: the socket did not take all of it, and errno says why. */
MUST bool slack_flush(struct slack *s);
