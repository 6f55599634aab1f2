/* SPDX-License-Identifier: Apache-2.0
 *
 * teller - tells notes to the facts process, on a worker's line.
 *
 * A note that has left this process is safe from its end. From the end of the facts process it is
 * safe because it is told again: as long as it is held, and some seconds beyond, by when it is
 * in the store. What was heard is told some of it at a time, so that most of it never gets there.
 */
#pragma once

#include "keep/hints.h"
#include "way/ask.h"
#include "way/note.h"

struct teller;
struct told; /* a note that was told, and is held */

/* `hints`: of queue ids, marked before anything is told under one; borrowed. NULL: no memory. */
struct teller *teller_new(struct event_base *base, struct line *line, struct hints *hints);
void teller_free(struct teller **t);

/* Now; copied. NULL: no memory, and it is not told. */
struct told *teller_tell(struct teller *t, const struct note *n);

/* All let go of it; NULL is fine. heard: the mail server knows, and it may be forgotten. likely:
 * it should, and TOLD_LIKELY seconds will do. */
enum { TOLD_LIKELY = 7200 }; /* longer than what is deferred waits (Postfix: 4000 s at most) */
void teller_heard(struct teller *t, struct told **one);
void teller_likely(struct teller *t, struct told **one);
void teller_leave(struct teller *t, struct told **one);

/* Notes that a domain has shown TLS are not told again. */
void teller_forget(struct teller *t);

/* A chain of those that one session holds. */
struct told **told_next(struct told *one);
