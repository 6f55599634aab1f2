/* SPDX-License-Identifier: Apache-2.0
 *
 * call - a session's connection to its backend, and its entry in the session table.
 */
#pragma once

#include "session.h"

/* Chooses a server and begins to connect, and tells the table which client comes from where, before
 * the server's milter can ask. CONN_LATER: wait until it is writable, then call_on(). */
MUST enum conn_got call_begin(struct session *s);
MUST enum conn_got call_on(struct session *s);

/* The handshake with the backend, and what its certificate proves; CONN_SOME: both are well. */
MUST enum conn_got call_secure(struct session *s);

/* The connection is not to be had, or is gone. */
void call_lost(struct session *s, enum reason why, const char *broke);

/* The connection is closed, if there is one. */
void call_hang_up(struct session *s);
