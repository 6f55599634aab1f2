/* SPDX-License-Identifier: Apache-2.0
 *
 * ask - a line to who knows: a worker's to the facts process, or a tool's to itself.
 *
 * If that dies, the line is made again and what was open is asked again: a question ends with
 * its answer or with ask_cancel(), and how long that may take is the asker's to say.
 */
#pragma once

#include <sys/queue.h>

#include "way/answer.h"

struct event_base;
struct line;

struct ask;
typedef void ask_fn(struct ask *asked, const struct answer *a);

/* One question, inside of the asker's own struct. */
struct ask {
    TAILQ_ENTRY(ask) link;
    struct line *line; /* NULL: nothing is asked */
    struct question q;
    bool sent;
    ask_fn *fn;
    void *arg;
};

/* `listener` is facts_listen()'s, inherited. NULL: no memory. */
struct line *line_new(struct event_base *base, int listener);
void line_free(struct line **l);

/* One that ends in this very process: `fn` hears each question, and line_answer() is called for
 * it, then or later, before line_free() or never. The asker is told from the loop all the same. */
typedef void line_hear_fn(void *arg, const struct question *q);
struct line *line_within(struct event_base *base, line_hear_fn *fn, void *arg);
void line_answer(struct line *l, const struct answer *a);

/* What was answered to this a moment ago and still holds (recent.h): then nothing need be asked.
 * NULL: it must. Borrowed until the loop goes on. */
const struct answer *line_recall(struct line *l, enum question_kind kind, const char *name,
                                 unsigned port);

/* `fn` is called once, from the loop. The name is cut off if it is none. */
void ask_start(struct ask *a, struct line *l, enum question_kind kind, const char *name, ask_fn *fn,
               void *arg);

/* The same with a port, or what else is counted there. */
void ask_about(struct ask *a, struct line *l, enum question_kind kind, const char *name,
               unsigned port, ask_fn *fn, void *arg);
void ask_cancel(struct ask *a);

/* `fn` is called when the facts process says that something was forgotten (QUESTION_GONE). */
void line_forgets(struct line *l, void (*fn)(void *arg), void *arg);

/* For who tells as well as asks. `fn` is called when the line was made again, before anything is
 * asked there. */
void line_tells(struct line *l, void (*fn)(void *arg), void *arg);

/* All of it, now; false: not now. The number is another after every time that the
 * line was made again, and never 0. */
MUST bool line_send(struct line *l, const void *bytes, size_t len);
unsigned line_number(const struct line *l);
