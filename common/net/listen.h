/* SPDX-License-Identifier: Apache-2.0
 *
 * listen - listening sockets. They belong to the master for its life; a reload takes over
 * those that stay and closes those that went.
 */
#pragma once

#include "base/addr.h"

enum { LISTEN_MAX = 64 };

/* How a socket listens, together. */
enum {
    LISTEN_LOOPBACK_DEVICE = 1, /* at every address of the loopback device, not only its own */
    LISTEN_TRANSPARENT = 2,     /* and takes what TPROXY sends, whatever address it is for */
};

struct listen {
    struct addr at;
    unsigned how;
    int fd; /* non-blocking, close-on-exec */
    bool wanted;
};

struct listens {
    struct listen at[LISTEN_MAX];
    size_t count;
};

/* The socket at `at`: one that is there already, one that LISTEN_FDS passed, or a new one.
 * -1 with one line in `why`. Marks it wanted. */
MUST int listens_open(struct listens *all, const struct addr *at, unsigned how, char *why,
                      size_t size);

/* Forgets all marks before a configuration is read, marks what is to stay all the same (-1 is
 * nothing), and closes what nobody wants after. */
void listens_unmark(struct listens *all);
void listens_want(struct listens *all, int fd);
void listens_close_unwanted(struct listens *all);

/* Accepts one, non-blocking and close-on-exec. -1: none now (or no descriptors: `*full`). */
MUST int listen_accept(int fd, struct addr *client, bool *full);

/* Of `wanted` sessions, so many have room for two descriptors each under the limit of open files:
 * whom we accept we must be able to call for. At least 1. */
unsigned long listen_capacity(unsigned long wanted);
unsigned long listen_capacity_under(unsigned long files, unsigned long wanted);
