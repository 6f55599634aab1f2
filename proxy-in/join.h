/* SPDX-License-Identifier: Apache-2.0
 *
 * join - how a session is joined to a server behind us: introduced there, and, where that server is
 * lost, moved on to another.
 *
 * A part of `relay`, as asks.h; relay_connected(), relay_backend_secured(), relay_dropped() and
 * relay_lost() are here.
 */
#pragma once

#include "relay.h"

/* What the server said last before it ended us, for the log. */
void join_keep_said(struct relay *r, struct span reply);

/* A reply of the introduction. */
void join_heard(struct relay *r, const struct heard *h);

/* Something that nobody asked for; it may not be whole yet. */
void join_unasked(struct relay *r, struct span said);

/* What it says is not SMTP. */
void join_broken(struct relay *r);
