/* SPDX-License-Identifier: Apache-2.0
 *
 * server - a worker process: its loop, its listeners, its end.
 */
#pragma once

#include "run/daemon.h"

/* The whole life of a worker; `child->prepared` is a struct prepared. */
int server_run(struct child *child);
