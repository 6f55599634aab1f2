/* SPDX-License-Identifier: Apache-2.0
 *
 * tidy - finished files are removed when delete-after is over, and only while the clock can be
 * believed (steady.h). Every minute.
 */
#pragma once

#include "milter/books/book.h"
#include "milter/books/steady.h"

struct tidy {
    int file; /* where the state of the clock outlives the process; -1: nowhere */
    struct steady steady;
    double next; /* on clock_mono(); 0: not started */
};

void tidy_init(struct tidy *t, const char *folder);
void tidy_clear(struct tidy *t);

void tidy_now_and_then(struct tidy *t, struct book *const *books, unsigned count);
