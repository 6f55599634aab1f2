/* SPDX-License-Identifier: Apache-2.0 */
#include "tell/pairs.h"

#include <assert.h>

void pairs_add(struct pairs *p, const char *key, struct span value)
{
    if (value.len == 0)
        return;
    assert(p->count < PAIRS_MAX);
    p->at[p->count++] = (struct log_pair){key, value};
}

void pairs_text(struct pairs *p, const char *key, const char *value)
{
    pairs_add(p, key, span_of(value ? value : ""));
}

void pairs_count(struct pairs *p, const char *key, double count)
{
    if (count > 0)
        pairs_add(p, key, log_number(count));
}
