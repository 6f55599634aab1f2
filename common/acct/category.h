/* SPDX-License-Identifier: Apache-2.0
 *
 * category - why a delivery was refused, in one of PowerMTA's words: bounceCat.
 *
 * In this order: the patterns of bounce-category-patterns, the first that is found; what the
 * record says of itself (rule/fail.def: failures of which no server said anything); the default
 * patterns (category.def); what the status or the code of the reply means; "other".
 *
 * The configuration's patterns are looked for in the reply, "550 5.1.1 No such user", and in the
 * status with its meaning, "5.1.1 (bad destination mailbox address)": ^550 and ^5\.1\.1 both mean
 * something. The default ones do not see addresses, for somebody@antispam.example is no spam.
 *
 * Pure. For one thread.
 */
#pragma once

#include "tell/record.h"

/* A line of bounce-category-patterns. */
struct category_line {
    const char *regex, *category;
};

struct categories;

/* The lines need not live longer. NULL with one line in `why`: no memory, or a pattern that is
 * none. */
struct categories *categories_new(const struct category_line *lines, size_t count, char *why,
                                  size_t size);
void categories_free(struct categories **c);

/* Fills in bounceCat of b and t records. The text lives as long as `c`. */
void categories_fill(struct categories *c, struct record *r);

/* A line's pattern that took too long for a text, which then counted as none of its: told once for
 * each. NULL: no more. */
const char *categories_tired(struct categories *c);

/* Could it be a category: letters, digits and -? */
bool category_is_name(const char *name);

/* PowerMTA's own, one after the other; NULL behind the last. */
const char *category_known(size_t i);
