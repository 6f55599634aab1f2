/* SPDX-License-Identifier: Apache-2.0
 *
 * user - who logs in, for the records: what the client calls itself in AUTH, true when the mail
 * server has said 235.
 */
#pragma once

#include "relay.h"

/* The argument of AUTH, and the client's lines behind it; only the first response is looked at. */
void user_begin(struct relay *r, struct span arg);
void user_respond(struct relay *r, struct span response);

/* "" where nobody has logged in, or by a mechanism that does not show it. */
struct span user_name(const struct relay *r);
