/* SPDX-License-Identifier: Apache-2.0
 *
 * broken - servers with which TLS broke or fell silent lately, so that the next message, where
 * clear text will do, need not find it out once more. By address and port, for BROKEN_SECONDS; a
 * new one takes the place of the oldest. What it means is decide()'s to say.
 */
#pragma once

#include "remote/remote.h"

enum { BROKEN_MOST = 256, BROKEN_SECONDS = 600 };

struct broken;

/* NULL: no memory. */
struct broken *broken_new(void);
void broken_free(struct broken **b);

/* All of it. */
void broken_clear(struct broken *b);

/* `now` as clock_mono(). How it broke; FAIL_NOT: it works (again). */
void broken_note(struct broken *b, const struct addr *at, enum fail how, double now);

/* What became of TLS in an attempt under `demand`. Only what broke where clear text would have done
 * is remembered, and not anew where TLS was not tried since it is. */
void broken_learn(struct broken *b, const struct demand *demand, const struct remote *remote,
                  double now);

/* FAIL_NOT: nothing is known against it. */
enum fail broken_how(const struct broken *b, const struct addr *at, double now);
