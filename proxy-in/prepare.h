/* SPDX-License-Identifier: Apache-2.0
 *
 * prepare - what the master makes for a generation of workers: listening sockets, TLS
 * contexts, the session table.
 */
#pragma once

#include "keep/strikes.h"
#include "keep/table.h"
#include "keep/tally.h"
#include "net/listen.h"
#include "net/tls.h"
#include "conf/settings.h"

/* One for each smtp-listener, in their order. */
struct prepared_gate {
    int fd;          /* borrowed from the listening sockets; -1 with -t */
    struct tls *tls; /* borrowed from a gate before it where `shared`; NULL: no certificate */
    bool shared;
};

struct prepared {
    struct prepared_gate *gates;
    size_t count;
    struct tls **backend_tls; /* one for each backend; NULL: it is spoken to in the clear */
    size_t backend_count;
    struct table *table; /* borrowed, as the next two; NULL with -t */
    struct tally *tally;
    struct strikes *strikes;
    int syncer;                      /* ours; commit_listen()'s; -1: not with sync = reply */
    const struct settings *settings; /* borrowed */
    double warned;                   /* when what is only reported was last told of */
};

/* For daemon.h's struct program; the first two are contexts.c's. */
void prepare_files(const struct settings *s, option_file_fn *visit, void *arg);
void prepare_show(const void *prepared, dated_fn *show, void *arg);
void *prepare_new(const struct settings *s, void *before, bool only_check, char *why, size_t size);
void prepare_free(void *prepared);
void prepare_minute(void *prepared);

/* In the master, and in a worker that drains: closes this process's listening sockets. */
void prepare_stopping(void *prepared);

/* Does any backend that is used see clients at their own addresses? */
bool prepare_is_transparent(const struct settings *s);

/* In the master: this worker is dead. */
void prepare_buried(void *prepared, unsigned slot);
