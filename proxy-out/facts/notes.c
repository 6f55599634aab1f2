/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/facts/notes.h"

#include <math.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/siphash.h"
#include "net/watch.h"
#include "tell/log.h"

enum { WAITING_MOST = 20000, WAYS = 4096, TELL_EVERY = 60 };

static const double a_moment = 1; /* seconds until a note is written down */

struct waiting {
    TAILQ_ENTRY(waiting) link;
    LIST_ENTRY(waiting) way;
    bool awaited; /* it was NOTE_AWAITED, and is kept as NOTE_SENT */
    struct note note;
};

struct notes {
    struct store *store;   /* borrowed; NULL: there is none */
    struct forgot *forgot; /* borrowed */
    struct alarm alarm;
    bool set;
    TAILQ_HEAD(, waiting) waiting; /* the oldest first */
    LIST_HEAD(ways, waiting) at[WAYS];
    uint64_t key[2];
    size_t count;
    double told;
};

static void come_again(struct notes *n)
{
    if (!n->set)
        alarm_set(&n->alarm, a_moment);
    n->set = true;
}

/* By the domain, or the queue id: what stands before the first NUL. */
static struct ways *way_of(struct notes *n, struct span key)
{
    return &n->at[siphash(n->key, span_cut(&key, '\0')) % WAYS];
}

static void drop(struct notes *n, struct waiting *w)
{
    TAILQ_REMOVE(&n->waiting, w, link);
    LIST_REMOVE(w, way);
    n->count--;
    free(w);
}

static void say_failed(struct notes *n)
{
    double now = clock_mono();

    if (n->told == 0 || now - n->told > TELL_EVERY)
        log_say(LOG_FAULT, "", "not-remembered",
                {"why", SPAN("the store in state-directory cannot be written")},
                {"then", SPAN("starttls-memory and duplicate-memory have gaps")});
    n->told = now;
}

static void put(struct store_txn *t, const struct note *one)
{
    enum memory_kind kind = one->kind == NOTE_SEEN ? MEMORY_SEEN : MEMORY_SENT;

    memory_put(t, kind, note_key(one), note_value(one), one->until);
}

/* One transaction for all that waits. */
static void write_down(struct notes *n)
{
    struct store_txn *t = n->count > 0 ? store_begin(n->store) : NULL;
    struct waiting *w;

    if (n->count == 0)
        return;
    if (t) {
        if (n->forgot)
            forgot_heed_in(n->forgot, t);
        memory_tidy(t, clock_now());
        TAILQ_FOREACH(w, &n->waiting, link)
        put(t, &w->note);
    }
    if (!t || !store_commit(&t))
        say_failed(n);
    while ((w = TAILQ_FIRST(&n->waiting)))
        drop(n, w);
}

static void on_moment(void *arg)
{
    struct notes *n = arg;

    n->set = false;
    write_down(n);
}

struct notes *notes_new(struct event_base *base, struct store *store)
{
    struct notes *n = calloc(1, sizeof *n);

    if (!n)
        return NULL;
    n->store = store;
    alarm_init(&n->alarm, base, on_moment, n);
    TAILQ_INIT(&n->waiting);
    (void)!getrandom(n->key, sizeof n->key, 0);
    return n;
}

void notes_free(struct notes **at)
{
    struct notes *n = *at;

    if (!n)
        return;
    write_down(n);
    alarm_stop(&n->alarm);
    free(n);
    *at = NULL;
}

/* NULL: it does not wait, so it may be in the store. */
static struct waiting *find(struct notes *n, enum note_kind kind, struct span key)
{
    struct waiting *w;

    LIST_FOREACH(w, way_of(n, key), way)
    if (w->note.kind == kind && span_same(note_key(&w->note), key))
        return w;
    return NULL;
}

void notes_heed(struct notes *n, struct forgot *f)
{
    n->forgot = f;
}

void notes_forget(struct notes *n, const char *domain)
{
    struct waiting *w = find(n, NOTE_SEEN, span_of(domain));

    if (w)
        drop(n, w);
}

/* The next of keys that each have NUL NUL behind them. */
static bool next_key(struct span *rest, struct span *key)
{
    const char *end = memmem(rest->at, rest->len, "\0\0", 2);

    if (!end)
        return false;
    *key = (struct span){rest->at, (size_t)(end - rest->at)};
    *rest = span_after(*rest, key->len + 2);
    return true;
}

/* What is found is borrowed until the store is written to. */
static void shorten(struct store_txn *t, struct span key, double to)
{
    struct span value;
    char copy[NOTE_MAX];
    double until;

    if (!store_get_until(t, MEMORY_SENT, key, &value, &until) || value.len > sizeof copy ||
        (until > 0 && until <= to))
        return;
    memcpy(copy, value.at, value.len);
    memory_put(t, MEMORY_SENT, key, (struct span){copy, value.len}, to);
}

/* `to` 0: gone at once; else not later than that. */
static void cut_short(struct notes *n, struct span keys, double to)
{
    struct store_txn *t = NULL;
    struct waiting *w;
    struct span key;

    while (next_key(&keys, &key)) {
        if (key.len == 0)
            continue;
        if ((w = find(n, NOTE_SENT, key))) {
            w->note.until = to < w->note.until ? to : w->note.until;
            if (to <= 0)
                drop(n, w);
        } else if (t || (t = store_begin(n->store))) {
            if (to > 0)
                shorten(t, key, to);
            else
                (void)!store_drop(t, MEMORY_SENT, key);
        }
    }
    if (t && !store_commit(&t))
        say_failed(n);
}

/* Does it come behind its outcome, since the line was full before? */
static bool is_late(struct notes *n, const struct note *note)
{
    const struct waiting *w =
        note->kind == NOTE_AWAITED ? find(n, NOTE_SENT, note_key(note)) : NULL;

    return w && !w->awaited;
}

static void keep(struct notes *n, const struct note *note)
{
    struct waiting *w = malloc(sizeof *w + note->key_len + note->value_len);
    enum note_kind kind = note->kind == NOTE_SEEN ? NOTE_SEEN : NOTE_SENT;
    struct waiting *old = find(n, kind, note_key(note));

    if (!w) {
        say_failed(n);
        return;
    }
    if (old)
        drop(n, old);
    memcpy(&w->note, note, note_size(note));
    w->note.kind = kind;
    w->awaited = note->kind == NOTE_AWAITED;
    TAILQ_INSERT_TAIL(&n->waiting, w, link);
    LIST_INSERT_HEAD(way_of(n, note_key(&w->note)), w, way);
    if (++n->count >= WAITING_MOST)
        write_down(n);
    come_again(n);
}

bool notes_take(struct notes *n, const struct note *note, size_t len)
{
    if (len < sizeof *note || note->key_len > NOTE_MAX || note->value_len > NOTE_MAX ||
        len != note_size(note) || note->kind < NOTE_SEEN || note->kind > NOTE_LIKELY)
        return false;
    if (!n->store)
        return true;
    if (note->kind >= NOTE_HEARD)
        cut_short(n, note_key(note), note->kind == NOTE_HEARD ? 0 : note->until);
    else if (!is_late(n, note))
        keep(n, note);
    return true;
}

struct looking {
    struct store_txn *txn;
    struct answer *out;
    struct span prefix;
    double now;
    unsigned skip;
    bool found;
};

/* The one after those that the asker has. */
static bool take_entry(void *arg, struct span key, struct span value)
{
    struct looking *l = arg;
    struct answer_sent *to = &l->out->sent;
    double until;

    if (key.len < l->prefix.len || memcmp(key.at, l->prefix.at, l->prefix.len) != 0)
        return false;
    if (key.len + value.len > sizeof to->entry ||
        !store_get_until(l->txn, MEMORY_SENT, key, &value, &until) ||
        (until > 0 && until <= l->now))
        return true;
    if (l->skip > 0) {
        l->skip--;
        return true;
    }
    if (l->found) {
        to->more = 1;
        return false;
    }
    l->found = true;
    to->key_len = (uint32_t)key.len;
    memcpy(to->entry, key.at, key.len);
    memcpy(to->entry + key.len, value.at, value.len);
    l->out->count = (uint32_t)(key.len + value.len);
    return true;
}

static bool waits_under(struct notes *n, struct span prefix)
{
    const struct waiting *w;

    LIST_FOREACH(w, way_of(n, prefix), way)
    if (w->note.kind == NOTE_SENT && w->note.key_len > prefix.len &&
        memcmp(w->note.bytes, prefix.at, prefix.len) == 0)
        return true;
    return false;
}

static void find_sent(struct notes *n, const struct question *q, struct answer *out)
{
    struct looking l = {
        .out = out, .prefix = {q->name, strlen(q->name) + 1}, .now = clock_now(), .skip = q->port};
    struct store_txn *t;

    if (waits_under(n, l.prefix))
        write_down(n);
    if (!(t = store_look(n->store)))
        return;
    l.txn = t;
    store_walk_from(t, MEMORY_SENT, l.prefix, take_entry, &l);
    store_abort(&t);
}

struct hinting {
    struct store_txn *txn;
    struct hints *hints;
};

static bool hint(void *arg, struct span key, struct span value)
{
    struct hinting *g = arg;
    struct span name = key;
    double until;

    if (store_get_until(g->txn, MEMORY_SENT, key, &value, &until))
        hints_mark(g->hints, span_cut(&name, '\0'), until > 0 ? until : HUGE_VAL);
    return true;
}

/* False: the store cannot be looked at now. */
static bool hint_all(struct notes *n, struct hints *hints)
{
    struct hinting g = {.hints = hints};

    write_down(n);
    if (!(g.txn = store_look(n->store)))
        return false;
    store_walk(g.txn, MEMORY_SENT, hint, &g);
    store_abort(&g.txn);
    return true;
}

void notes_hint(struct notes *n, struct hints *hints)
{
    if (hints)
        hints_know(hints, !n->store || hint_all(n, hints));
}

static bool was_seen(struct notes *n, struct span domain)
{
    return find(n, NOTE_SEEN, domain) ||
           memory_get(n->store, MEMORY_SEEN, domain, clock_now(), NULL, 0) >= 0;
}

void notes_answer(struct notes *n, const struct question *q, struct answer *out)
{
    out->number = q->number;
    out->kind = q->kind;
    out->status = ANSWER_OK;
    out->secure = out->count = out->lasts = 0;
    out->sent.key_len = out->sent.more = 0;
    if (!n->store)
        return;
    if (q->kind == QUESTION_SENT)
        find_sent(n, q, out);
    else
        out->secure = was_seen(n, span_of(q->name));
}
