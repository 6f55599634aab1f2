/* SPDX-License-Identifier: Apache-2.0
 *
 * notes - what workers told, in the facts process: kept a moment in memory, since most of it is
 * taken back, then in the store; and what is found there.
 */
#pragma once

#include "keep/hints.h"
#include "keep/memory.h"
#include "proxy-out/facts/forgot.h"
#include "way/note.h"
#include "way/answer.h"

struct event_base;
struct notes;

/* `store` may be NULL: then nothing is remembered. NULL: no memory. */
struct notes *notes_new(struct event_base *base, struct store *store);

/* What is forgotten is heeded before anything is written down; borrowed. */
void notes_heed(struct notes *n, struct forgot *f);

/* That this domain has shown TLS is not written down. */
void notes_forget(struct notes *n, const char *domain);

/* Marks the queue ids of all that was sent and is remembered, and then `hints` know. Likewise when
 * a worker is gone: how long what it told is remembered it may not have come to say. Where the
 * store cannot be looked at they know nothing, and everything is asked for. Borrowed. */
void notes_hint(struct notes *n, struct hints *hints);

/* All is written down first. */
void notes_free(struct notes **n);

/* `len` bytes as they came. False: they are no note. */
MUST bool notes_take(struct notes *n, const struct note *note, size_t len);

/* QUESTION_SENT and QUESTION_SEEN. */
void notes_answer(struct notes *n, const struct question *q, struct answer *out);
