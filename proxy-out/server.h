/* SPDX-License-Identifier: Apache-2.0
 *
 * server - a worker's life: it accepts those who hand over, and drains.
 */
#pragma once

struct child;

/* The whole life of a worker; `child->prepared` is a struct prepared. */
int server_run(struct child *child);
