/* SPDX-License-Identifier: Apache-2.0
 *
 * answers - what becomes of each thing that the backend answers.
 *
 * The half of `relay` that faces the backend, as asks.h faces the client: keeps what an answer
 * changes (the transaction and its room, the login, the rule), and hands it on to the client.
 * The transaction is forgotten here and nowhere else. relay_recorded() is here.
 */
#pragma once

#include "relay.h"

/* A reply to what the client asked, once the backend is introduced. */
void answers_take(struct relay *r, const struct heard *h);

/* Is the answer to it what becomes of a message? */
bool answers_are_final(enum verb verb);
