/* SPDX-License-Identifier: Apache-2.0
 *
 * type - the types of records: d, b, t, tq and r, with PowerMTA's long names.
 */
#pragma once

#include "base/span.h"

enum { TYPES = 5 };

/* In any case, short or long; -1: no type of ours. */
int type_find(struct span name);

/* "d" and so on; NULL of -1. */
const char *type_letter(int type);

/* As tell/column.def has it: 'q' is tq. */
char type_star(int type);

/* A type that PowerMTA has and a proxy without a queue has not. */
bool type_is_foreign(struct span name);

/* Do its records have a queue? */
bool type_has_queue(int type);
