/* SPDX-License-Identifier: Apache-2.0
 *
 * asks - what becomes of each thing that a client asks.
 *
 * The half of `relay` that faces the client: refuses by the rules, answers what is ours,
 * and puts the rest to the backend.
 */
#pragma once

#include "rules.h"
#include "take.h"

MUST enum taken asks_take(struct relay *r, const struct request *q);

/* Of relay.c. */
struct standing relay_standing(const struct relay *r);
void relay_keep(char **text, struct span from);
void relay_forget(char **text);
void relay_drop_header(struct relay *r);

/* Tells the engine what the rule says, now that it is another. */
void relay_follow(struct relay *r);

/* Is there room for one more record? If not it is made, and false says that it could not be. */
bool relay_has_room(struct relay *r);

/* Ends the session with `421 4.3.2` and a few words. */
void relay_end_421(struct relay *r, enum reason why, const char *text);

/* Answers EHLO or HELO with what the backend offers in `reply`, as far as it is for this
 * client. */
void relay_show(struct relay *r, unsigned ticket, enum verb verb, struct span reply);
