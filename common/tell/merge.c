/* SPDX-License-Identifier: Apache-2.0 */
#include "tell/merge.h"

/* What the end alone says. */
static bool is_of_end(enum column c)
{
    return c == COLUMN_type || c == COLUMN_dsnAction || c == COLUMN_dsnStatus ||
           c == COLUMN_dsnDiag || c == COLUMN_bounceCat || c == COLUMN_dlvSize;
}

void merge_intent(struct record *outcome, const struct record *intent)
{
    for (enum column c = 0; c < COLUMN_COUNT; c++)
        if (outcome->column[c].len == 0 && !is_of_end(c))
            outcome->column[c] = intent->column[c];
    if (outcome->id_host.len == 0)
        outcome->id_host = intent->id_host;
    if (outcome->queued <= 0)
        outcome->queued = intent->queued;
    for (size_t i = 0; i < intent->header_count; i++)
        record_add_header(outcome, intent->header[i].name, intent->header[i].value);
}
