/* SPDX-License-Identifier: Apache-2.0
 *
 * pairs - what one log line says, put together piece by piece: nothing is said of what is not
 * there. Values are borrowed until the line is written, by log_pairs().
 */
#pragma once

#include "tell/log.h"

enum { PAIRS_MAX = 40 };

struct pairs {
    struct log_pair at[PAIRS_MAX];
    size_t count;
};

/* An empty value is left out; NULL is one. */
void pairs_add(struct pairs *p, const char *key, struct span value);
void pairs_text(struct pairs *p, const char *key, const char *value);

/* A count of none is left out. See log_number() for how long it holds. */
void pairs_count(struct pairs *p, const char *key, double count);
