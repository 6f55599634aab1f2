/* SPDX-License-Identifier: Apache-2.0
 *
 * mapper - the sockets of map: Postfix asks here for the transport of each recipient.
 */
#pragma once

#include "conf/settings.h"

struct event_base;
struct mapper;

/* Answers whoever `l` allows, on its listening socket `fd` (borrowed); at a path its mode does.
 * NULL: no memory. */
struct mapper *mapper_new(struct event_base *base, const struct relay_listener *l, int fd);
void mapper_free(struct mapper **m);

/* No new callers; those that are there are answered until mapper_free(). */
void mapper_drain(struct mapper *m);
