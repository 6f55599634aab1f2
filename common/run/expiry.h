/* SPDX-License-Identifier: Apache-2.0
 *
 * expiry - says when what we have is about to end, such as a certificate: 30, 14, 7 and 1 days
 * ahead, and each day once it has ended. And what is not used, for it has a flaw.
 *
 * Each line in the log is for a person (level=error). It counts: `soon`, how many of ours end
 * within 30 days, and `ended`.
 */
#pragma once

#include <stdbool.h>

#include "base/dated.h"

struct program;

struct expiry {
    time_t told; /* when that was last looked at; 0: never */
};

/* `anew`: of a generation that begins, all is told that is near its end; else only what has come
 * nearer since it was last looked at. */
void expiry_tell(struct expiry *e, const struct program *program, const void *prepared, bool anew,
                 time_t now);

/* For -t: a line each on standard error. */
void expiry_print(const struct program *program, const void *prepared, time_t now);

/* 0: far; 1 to 4: within 30, 14, 7, 1 days; 5 and more: it has ended, so many days and 5 ago. */
unsigned expiry_stage(const struct dated *d, time_t now);
