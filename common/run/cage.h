/* SPDX-License-Identifier: Apache-2.0
 *
 * cage - giving up privileges.
 *
 * The master, if it is root, keeps the few capabilities that reloading takes: to read root's
 * keys, to bind low ports and to the loopback device, to become the user in children and to
 * end them, and to give files to the user. Children keep none, but for one where it is asked for.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct cage {
    uid_t uid;
    gid_t gid;
    bool net_raw; /* a child keeps CAP_NET_RAW, if the master has it */
    bool moves;   /* false: stay who we are, for no user was named or we are not root */
};

/* Looks the names up; "" user: stay who we are. -1 with one line in `why`. */
int cage_find(const char *user, const char *group, struct cage *out, char *why, size_t size);

/* The master: keeps only the capabilities named above, of those it has. */
int cage_master(char *why, size_t size);

/* A child: becomes the user for good, without other capabilities, without new privileges. */
int cage_child(const struct cage *c, char *why, size_t size);

/* Before anything is opened: as many files as the system lets, no core files, for keys would be in
 * them, and nothing that we make is for others. */
void cage_limits(void);
