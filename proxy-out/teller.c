/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/teller.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "net/watch.h"

enum { KEYS_MAX = NOTE_MAX - 1000, LEFT_MOST = 10000 };

static const double every = 0.2; /* seconds between its rounds, while there is something to do */
static const double settled = 5; /* by then the facts process has written it down */

struct told {
    TAILQ_ENTRY(told) link;
    struct told *next; /* of the session's */
    unsigned line;     /* on which it went: line_number() */
    double left;       /* when it was let go of; 0: it is held */
    struct note note;
};

struct teller {
    struct line *line;
    struct hints *hints;
    struct alarm alarm;
    bool set;
    TAILQ_HEAD(, told) all; /* the oldest first */
    unsigned left;
    struct buf heard, likely; /* keys, as their notes have them */
};

struct told **told_next(struct told *one)
{
    return &one->next;
}

static void come_again(struct teller *t)
{
    if (!t->set)
        alarm_set(&t->alarm, every);
    t->set = true;
}

static void push(struct teller *t, struct told *one)
{
    unsigned now = line_number(t->line);

    if (one->line != now && line_send(t->line, &one->note, note_size(&one->note)))
        one->line = line_number(t->line);
}

static void drop(struct teller *t, struct told *one)
{
    t->left -= one->left > 0;
    TAILQ_REMOVE(&t->all, one, link);
    free(one);
}

static void push_keys(struct teller *t, struct buf *from, enum note_kind kind, double until)
{
    struct span keys = buf_peek(from);
    struct note *n = keys.len > 0 ? malloc(sizeof *n + keys.len) : NULL;

    if (!n)
        return;
    *n = (struct note){.kind = kind, .key_len = (uint32_t)keys.len, .until = until};
    memcpy(n->bytes, keys.at, keys.len);
    if (line_send(t->line, n, note_size(n)))
        buf_drop(from, keys.len);
    free(n);
}

static void push_all_keys(struct teller *t)
{
    push_keys(t, &t->heard, NOTE_HEARD, 0);
    push_keys(t, &t->likely, NOTE_LIKELY, clock_now() + TOLD_LIKELY);
}

static void on_round(void *arg)
{
    struct teller *t = arg;
    double now = clock_mono();
    struct told *next;

    t->set = false;
    push_all_keys(t);
    for (struct told *one = TAILQ_FIRST(&t->all); one; one = next) {
        next = TAILQ_NEXT(one, link);
        push(t, one);
        if (one->left > 0 && (now - one->left > settled || t->left > LEFT_MOST))
            drop(t, one);
    }
    if (buf_len(&t->heard) + buf_len(&t->likely) > 0 || !TAILQ_EMPTY(&t->all))
        come_again(t);
}

/* What the last facts process had, and may not have written down. */
static void tell_again(void *arg)
{
    struct teller *t = arg;
    struct told *one;

    TAILQ_FOREACH(one, &t->all, link)
    push(t, one);
}

struct teller *teller_new(struct event_base *base, struct line *line, struct hints *hints)
{
    struct teller *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->line = line;
    t->hints = hints;
    alarm_init(&t->alarm, base, on_round, t);
    TAILQ_INIT(&t->all);
    line_tells(line, tell_again, t);
    buf_init(&t->heard, KEYS_MAX);
    buf_init(&t->likely, KEYS_MAX);
    return t;
}

void teller_free(struct teller **at)
{
    struct teller *t = *at;

    if (!t)
        return;
    on_round(t);
    line_tells(t->line, NULL, NULL);
    alarm_stop(&t->alarm);
    while (!TAILQ_EMPTY(&t->all))
        drop(t, TAILQ_FIRST(&t->all));
    buf_clear(&t->heard);
    buf_clear(&t->likely);
    free(t);
    *at = NULL;
}

void teller_forget(struct teller *t)
{
    struct told *next;

    for (struct told *one = TAILQ_FIRST(&t->all); one; one = next) {
        next = TAILQ_NEXT(one, link);
        if (one->note.kind == NOTE_SEEN && one->left > 0)
            drop(t, one);
    }
}

/* As long as it is held, and then as long as it is remembered: most is not for as long as it might
 * be. Where we die before that is known, the facts process sees to it (notes_hint()). */
static void mark(struct teller *t, const struct note *n, double until)
{
    struct span key = note_key(n);

    if (n->kind == NOTE_SENT || n->kind == NOTE_AWAITED)
        hints_mark(t->hints, span_cut(&key, '\0'), until);
}

struct told *teller_tell(struct teller *t, const struct note *n)
{
    size_t size = note_size(n);
    struct told *one = malloc(sizeof *one + size - sizeof *n);

    if (!one)
        return NULL;
    *one = (struct told){.next = NULL};
    memcpy(&one->note, n, size);
    TAILQ_INSERT_TAIL(&t->all, one, link);
    mark(t, n, clock_now() + TOLD_LIKELY);
    push(t, one);
    come_again(t);
    return one;
}

void teller_leave(struct teller *t, struct told **at)
{
    struct told *one = *at;

    *at = NULL;
    if (!one)
        return;
    mark(t, &one->note, one->note.until);
    one->left = clock_mono();
    t->left++;
    come_again(t);
}

/* Where there is no room for its key it stays remembered as it is, which does no harm. */
static void add_key(struct teller *t, struct buf *to, const struct told *one)
{
    static const char end[2];

    if (buf_room(to) < one->note.key_len + sizeof end)
        push_all_keys(t);
    if (one->line == 0 || buf_room(to) < one->note.key_len + sizeof end)
        return;
    (void)!buf_add(to, note_key(&one->note));
    (void)!buf_add(to, (struct span){end, sizeof end});
}

void teller_heard(struct teller *t, struct told **at)
{
    struct told *one = *at;

    *at = NULL;
    if (!one)
        return;
    add_key(t, &t->heard, one);
    drop(t, one);
    come_again(t);
}

void teller_likely(struct teller *t, struct told **at)
{
    double until = clock_now() + TOLD_LIKELY;

    if (*at && until < (*at)->note.until) {
        add_key(t, &t->likely, *at);
        (*at)->note.until = until; /* where it is told again */
    }
    teller_leave(t, at);
}
