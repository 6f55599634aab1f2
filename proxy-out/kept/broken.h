/* SPDX-License-Identifier: Apache-2.0
 *
 * broken - servers with which TLS broke or fell silent lately, so that the next message, where
 * clear text will do, need not find it out once more. By address and port, for BROKEN_SECONDS; a
 * new one takes the place of the oldest. What it means is decide()'s to say.
 */
#pragma once

#include "base/addr.h"
#include "rule/fail.h"

enum { BROKEN_MOST = 256, BROKEN_SECONDS = 600 };

struct broken;

/* NULL: no memory. */
struct broken *broken_new(void);
void broken_free(struct broken **b);

/* All of it. */
void broken_clear(struct broken *b);

/* `now` as clock_mono(). How it broke; FAIL_NOT: it works (again). */
void broken_note(struct broken *b, const struct addr *at, enum fail how, double now);

/* FAIL_NOT: nothing is known against it. */
enum fail broken_how(const struct broken *b, const struct addr *at, double now);
