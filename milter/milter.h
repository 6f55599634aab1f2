/* SPDX-License-Identifier: Apache-2.0
 *
 * milter - the door to libmilter: one process, one socket, callbacks in its threads.
 *
 * It asks for the macros that it needs at each stage, since mail servers send TLS facts only
 * with HELO otherwise. At MAIL the client's source rule decides; for sessions that do not come
 * through sallyport-in, an accepted message leaves `received` records in the spool. They are
 * written when the message is over but before the mail server itself has the last word: where
 * it refuses then (a disk that is full, another milter), they say too much.
 *
 * No callback waits: Debian's libmilter has two threads for all sessions.
 */
#pragma once

#include "run/daemon.h"
#include "conf/settings.h"

/* A role's run(), for the listener of the child's number among its kind. One on a socket file
 * can be taken over by the next generation while the old one ends its sessions; one on a port
 * cannot, and needs a role that is exclusive. */
int milter_run_file(struct child *child);
int milter_run_port(struct child *child);
