/* SPDX-License-Identifier: Apache-2.0
 *
 * hints - may anything be kept under a name? So that a question that would find nothing need not be
 * asked: memory that a master and all of its children share.
 *
 * Where it says no there is nothing, as long as everybody marks a name before anything is kept
 * under it. Where it says yes there may be nothing all the same: names share places, and what is
 * taken away leaves its mark until its time is up.
 */
#pragma once

#include "base/span.h"

struct hints;

/* The master's. NULL: no memory, which all of these take for a yes. */
struct hints *hints_new(void);
void hints_free(struct hints **h);

/* Something is kept there until then, seconds since 1970. Never less than was said before. */
void hints_mark(struct hints *h, struct span name, double until);

/* Until this is said (true), what was kept before is not known, and every answer is yes. */
void hints_know(struct hints *h, bool all);

/* `now` in seconds since 1970. */
bool hints_has(const struct hints *h, struct span name, double now);
