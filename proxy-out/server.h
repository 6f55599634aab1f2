/* SPDX-License-Identifier: Apache-2.0
 *
 * server - a worker's life: it accepts those who hand over, and drains.
 */
#pragma once

struct child;

int server_run(struct child *child);
