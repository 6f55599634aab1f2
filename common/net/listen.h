/* SPDX-License-Identifier: Apache-2.0
 *
 * listen - listening sockets. They belong to the master for its life; a reload takes over
 * those that stay and closes those that went.
 */
#pragma once

#include <sys/types.h>

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
    char *path; /* ours; of a unix socket, then `at` is nothing; NULL: none */
    ino_t inode;
    pid_t maker; /* 0: it was passed, and its file is not ours */
    int fd;      /* non-blocking, close-on-exec */
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

/* The same at a path. A socket file that nobody answers at is replaced, in one go; what is no
 * socket stays. The file goes with the socket, in the process that made it; that of one that was
 * passed stays as it is. */
struct listen_file {
    const char *path;   /* room for LISTEN_BESIDE must be behind it in a sun_path */
    unsigned mode, gid; /* `gid` -1: as it comes */
};
#define LISTEN_BESIDE ".new"
MUST int listens_open_file(struct listens *all, const struct listen_file *file, char *why,
                           size_t size);

/* For listen.c: the socket is closed. */
void listen_forget_file(struct listen *l);

/* For listen_unix.c: one that systemd passed to this very process (LISTEN_FDS) and whose name `is`
 * knows. Its options are the unit's. -1: there is none. */
struct sockaddr;
typedef bool listen_is_fn(const struct sockaddr *name, const void *at);
MUST int listens_find_passed(const struct listens *all, listen_is_fn *is, const void *at);

/* For our own children, who are told of it by inheritance: packets in their order, and the name is
 * the kernel's. -1 with one line in `why`, which begins with `what`. */
MUST int listen_nameless(const char *what, char *why, size_t size);

/* Who called at a path. */
MUST bool listen_caller(int fd, unsigned *uid, unsigned *pid);

/* Forgets all marks before a configuration is read, marks what is to stay all the same (-1 is
 * nothing), and closes what nobody wants after. */
void listens_unmark(struct listens *all);
void listens_want(struct listens *all, int fd);
void listens_close_unwanted(struct listens *all);

/* Accepts one, non-blocking and close-on-exec. Who came by a path is 127.0.0.1, without a port. -1:
 * none now (or no descriptors: `*full`). */
MUST int listen_accept(int fd, struct addr *client, bool *full);

/* Of `wanted` sessions, so many have room for two descriptors each under the limit of open files:
 * whom we accept we must be able to call for. At least 1. */
unsigned long listen_capacity(unsigned long wanted);
unsigned long listen_capacity_under(unsigned long files, unsigned long wanted);
