/* SPDX-License-Identifier: Apache-2.0
 *
 * cage - giving up privileges.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct cage {
    uid_t uid;
    gid_t gid;
};

/* Looks the names up; "" user: stay who we are. -1 with one line in `why`. */
int cage_find(const char *user, const char *group, struct cage *out, char *why, size_t size);

/* The master: keeps only the capabilities that DESIGN 3 names. */
int cage_master(char *why, size_t size);

/* A child: becomes the user for good, without capabilities, without new privileges. */
int cage_child(const struct cage *c, char *why, size_t size);
