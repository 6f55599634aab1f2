/* SPDX-License-Identifier: Apache-2.0
 *
 * prepare - what the master makes for a generation: listening sockets, TLS contexts, the socket
 * of the facts process.
 */
#pragma once

#include "keep/hints.h"
#include "remote/manners.h"
#include "conf/settings.h"

/* One for each relay-listener, in their order. Borrowed; -1 where there is none. */
struct prepared_door {
    int fd, map_fd;
};

struct prepared {
    struct prepared_door *doors;
    size_t count;
    struct manners *manners;         /* ours */
    const struct settings *settings; /* borrowed */
    double warned;                   /* when what is only reported was last told of */
    char *sts_cas;                   /* ours; policies_cas()'s */
    int syncer;                      /* ours; commit_listen()'s; -1: not with sync = reply */
    struct hints *hints;             /* of queue ids: notes.h, teller.h; borrowed; may be NULL */
    int facts;                       /* ours; facts_listen()'s; -1 with -t */
};

/* For daemon.h's struct program. */
void prepare_files(const struct settings *s, option_file_fn *visit, void *arg);
void prepare_show(const void *prepared, dated_fn *show, void *arg);
void *prepare_new(const struct settings *s, void *before, bool only_check, char *why, size_t size);
void prepare_free(void *prepared);
void prepare_minute(void *prepared);

/* In the master, and in a worker that drains: closes this process's listening sockets. */
void prepare_stopping(void *prepared);

/* There is one facts process. */
unsigned prepare_one(const struct settings *s);
