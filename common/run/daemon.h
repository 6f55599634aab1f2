/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon - one master and its children.
 *
 * The master touches no peer's byte: it reads the configuration and keys, binds, starts
 * children, watches and reloads. Each child is a fork of it with what was prepared in memory.
 * A child that dies is started again, with a pause that grows. SIGHUP makes a new generation
 * beside the old one, which drains; if anything is wrong, the old one stays. So it goes, with
 * the configuration as it was read, when a file that it names changes. SIGTERM drains
 * and stops; a second one stops at once. A child whose master is gone drains by itself.
 *
 * It knows nothing of mail: a program is the table below.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/dated.h"
#include "base/option.h"

struct settings;

/* So many generations live beside each other at most: the slots of a role stay below this times
 * the largest count of any of them. A reload beyond waits until one of the old has drained. */
enum { DAEMON_GENERATIONS = 4 };

/* What a child knows of itself. */
struct child {
    const struct settings *settings;
    void *prepared;  /* what prepare() made; the child's copy */
    unsigned slot;   /* 0.. of all children of its role that may be alive at a time, also of a
                        generation that drains: its part of shared memory */
    unsigned number; /* 0..count-1 within its generation */
    int orders;      /* readable or at its end when the child should drain: child_should_drain() */
};

/* A kind of children. */
struct role {
    const char *name;
    unsigned (*count)(const struct settings *s);
    /* The child's whole life; its exit status comes back. It calls child_ready() when it serves;
     * until then the old generation goes on. It leaves when it has drained. SIGTERM is not
     * caught: it ends a child whose time is over. */
    int (*run)(struct child *child);
    /* In the master: this slot's child is dead; clear what it held. May be NULL. */
    void (*buried)(void *prepared, unsigned slot);
    /* May its children send from addresses that are not ours (CAP_NET_RAW)? NULL: never. */
    bool (*keeps_net_raw)(const struct settings *s);
    bool keeps_privileges; /* the child does not become `user` */
    bool exclusive;        /* the old generation's must be gone before the new one's starts */
    bool serves_others;    /* told to drain only once its generation's other children are gone */
};

struct program {
    const char *name;         /* "sallyport-in" */
    const char *summary;      /* for --help */
    const struct role *roles; /* ends with a NULL name */

    /* In the master, as root if it was started so: everything that a generation needs, such as
     * listening sockets and TLS contexts. `before` is the generation that runs, or NULL: take
     * over from it what stays. `only_check` (-t): open and bind nothing. NULL with lines in `why`.
     */
    void *(*prepare)(const struct settings *s, void *before, bool only_check, char *why,
                     size_t size);
    /* This generation's last child is gone (or it never started). */
    void (*discard)(void *prepared);
    /* Visits the files that prepare() reads; when one changes, prepare() is called anew. May be
     * NULL. */
    void (*files)(const struct settings *s, option_file_fn *visit, void *arg);
    /* Shows what has an end, which is told before it comes; texts live as long as `prepared`. May
     * be NULL. */
    void (*show)(const void *prepared, dated_fn *show, void *arg);
    /* Every minute in the master, such as for rotating keys. May be NULL. */
    void (*minute)(void *prepared);
    /* The program stops, and its children begin to drain: end what lets new peers in, so that
     * they are refused and do not wait in vain. With shutdown(2), for children of all roles
     * have the listening sockets too. May be NULL. */
    void (*stopping)(void *prepared);
};

/* The whole of main(): options (-c FILE, -t, -b, -f, --sample, --manual, --help, --version), the
 * file, the children. The exit status comes back. */
int daemon_main(const struct program *program, int argc, char **argv);

/* From a child. */
void child_ready(const struct child *child);

/* What the orders descriptor says: true once the child should stop accepting and drain; also
 * when the master is gone. Watch `orders` for reading and ask then. A child that has no master
 * to end it dies some time after drain-timeout. */
bool child_should_drain(const struct child *child);
