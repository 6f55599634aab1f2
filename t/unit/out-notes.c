/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/loop.h"
#include "proxy-out/facts/notes.h"
#include "proxy-out/relay/sent.h"

static char folder[64], why[256];
static struct event_base *base;
static struct store *store;
static struct notes *notes;

static int make(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/notes.XXXXXX");
    if (!mkdtemp(folder) || !(base = loop_new()))
        return -1;
    store = memory_open(folder, true, why, sizeof why);
    notes = notes_new(base, store);
    return store && notes ? 0 : -1;
}

static int clean(void **state)
{
    static const char *const files[] = {"/outbound/data.mdb", "/outbound/lock.mdb", "/outbound",
                                        ""};
    char path[128];

    (void)state;
    notes_free(&notes);
    store_close(&store);
    event_base_free(base);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        snprintf(path, sizeof path, "%s%s", folder, files[i]);
        remove(path);
    }
    return 0;
}

/* What waits is in the store then. */
static void write_down(void)
{
    notes_free(&notes);
    notes = notes_new(base, store);
    assert_non_null(notes);
}

static void take(enum note_kind kind, struct span key, const char *value, double until)
{
    static union {
        struct note note;
        char room[NOTE_MAX];
    } one;

    one.note = (struct note){.kind = kind,
                             .key_len = (uint32_t)key.len,
                             .value_len = (uint32_t)strlen(value),
                             .until = until};
    memcpy(one.note.bytes, key.at, key.len);
    memcpy(one.note.bytes + key.len, value, strlen(value));
    assert_true(notes_take(notes, &one.note, note_size(&one.note)));
}

/* The values under a queue id, in their order, with a blank behind each. */
static const char *found(const char *queue_id)
{
    static char all[1024];
    static struct answer a;
    struct question q = {.kind = QUESTION_SENT};

    snprintf(q.name, sizeof q.name, "%s", queue_id);
    all[0] = '\0';
    do {
        size_t used = strlen(all);

        notes_answer(notes, &q, &a);
        if (a.count > 0)
            snprintf(all + used, sizeof all - used, "%.*s ", (int)(a.count - a.sent.key_len),
                     a.sent.entry + a.sent.key_len);
        q.port++;
    } while (a.sent.more);
    return all;
}

static bool seen(const char *domain)
{
    static struct answer a;
    struct question q = {.kind = QUESTION_SEEN};

    snprintf(q.name, sizeof q.name, "%s", domain);
    notes_answer(notes, &q, &a);
    return a.secure;
}

static double kept_until(struct span key)
{
    struct store_txn *t = store_look(store);
    struct span value;
    double until = -1;

    if (!store_get_until(t, MEMORY_SENT, key, &value, &until))
        until = -1;
    store_abort(&t);
    return until;
}

static bool is_about(double is, double wanted)
{
    return is > wanted - 1.1 && is < wanted + 1.1;
}

#define KEY(id, rest) SPAN(id "\0" rest)
#define GONE(id, rest) SPAN(id "\0" rest "\0\0")

static void what_was_sent_is_found_by_its_whole_id(void **state)
{
    double later = clock_now() + 100;

    (void)state;
    take(NOTE_SENT, KEY("A1", "s.1.0.0"), "one", later);
    take(NOTE_SENT, KEY("A1", "s.1.0.1"), "two", later);
    take(NOTE_SENT, KEY("A12", "s.1.0.0"), "other", later);
    for (unsigned i = 0; i < 2; i++, write_down()) {
        assert_string_equal(found("A1"), "one two ");
        assert_string_equal(found("A12"), "other ");
        assert_string_equal(found("A"), "");
        assert_string_equal(found("A123"), "");
        assert_string_equal(found(""), "");
    }
}

static void what_is_past_its_time_is_no_hit(void **state)
{
    double now = clock_now();

    (void)state;
    take(NOTE_SENT, KEY("OLD", "s.1.0.0"), "old", now - 1);
    take(NOTE_SENT, KEY("OLD", "s.2.0.0"), "new", now + 100);
    take(NOTE_SENT, KEY("OLD", "s.3.0.0"), "old", now - 1);
    assert_string_equal(found("OLD"), "new ");
    write_down();
    assert_string_equal(found("OLD"), "new ");
}

static void the_same_key_again_is_one_note(void **state)
{
    double later = clock_now() + 100;

    (void)state;
    take(NOTE_SENT, KEY("A", "s.1.0.0"), "first", later);
    take(NOTE_SENT, KEY("A", "s.1.0.0"), "second", later);
    assert_string_equal(found("A"), "second ");
    take(NOTE_SENT, KEY("A", "s.1.0.0"), "third", later);
    assert_string_equal(found("A"), "third ");
}

static void an_outcome_takes_the_place_of_what_is_awaited(void **state)
{
    double later = clock_now() + 100;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        take(NOTE_AWAITED, KEY("A", "taken"), "await", later);
        take(NOTE_AWAITED, KEY("A", "undone"), "await", later);
        assert_string_equal(found("A"), "await await ");
        if (i == 1)
            write_down();
        take(NOTE_SENT, KEY("A", "taken"), "sent", later);
        take(NOTE_AWAITED, KEY("A", "taken"), "late", later);
        take(NOTE_HEARD, GONE("A", "undone"), "", 0);
        assert_string_equal(found("A"), "sent ");
        take(NOTE_HEARD, GONE("A", "taken"), "", 0);
    }
}

static void heard_is_gone_and_likely_goes_sooner(void **state)
{
    double now = clock_now();

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        take(NOTE_SENT, KEY("A", "heard"), "a", now + 1000);
        take(NOTE_SENT, KEY("A", "likely"), "b", now + 1000);
        take(NOTE_SENT, KEY("A", "no"), "c", now + 1000);
        take(NOTE_SENT, KEY("A", "short"), "d", now + 10);
        if (i == 1)
            write_down(); /* the first time they still wait */
        take(NOTE_HEARD, GONE("A", "heard"), "", 0);
        take(NOTE_LIKELY, SPAN("A\0likely\0\0A\0short\0\0A\0absent\0\0"), "", now + 100);
        assert_string_equal(found("A"), "b c d ");
        write_down();
        assert_true(kept_until(KEY("A", "heard")) < 0);
        assert_true(kept_until(KEY("A", "absent")) < 0);
        assert_true(is_about(kept_until(KEY("A", "likely")), now + 100));
        assert_true(is_about(kept_until(KEY("A", "no")), now + 1000));
        assert_true(is_about(kept_until(KEY("A", "short")), now + 10));
    }
}

static void nonsense_is_refused(void **state)
{
    struct note n = {.kind = NOTE_SENT};
    static const char *const odd[] = {"", "\0\0", "\0\0\0", "x", "x\0y\0\0z"};
    static const size_t lens[] = {0, 2, 3, 1, 6};

    (void)state;
    assert_false(notes_take(notes, &n, sizeof n - 1));
    n.key_len = 1;
    assert_false(notes_take(notes, &n, sizeof n));
    n.key_len = NOTE_MAX + 1;
    assert_false(notes_take(notes, &n, sizeof n));
    n = (struct note){.kind = NOTE_LIKELY + 1};
    assert_false(notes_take(notes, &n, sizeof n));
    for (size_t i = 0; i < COUNT_OF(odd); i++)
        take(NOTE_HEARD, (struct span){odd[i], lens[i]}, "", 0);
    assert_string_equal(found("x"), "");
}

static void on_gone(void *arg, const char *domain)
{
    notes_forget(arg, domain);
}

static void forget(const char *domain)
{
    struct store_txn *t = store_begin(store);

    memory_forget(t, span_of(domain), clock_now());
    assert_true(store_commit(&t));
}

/* What was told before and waits is not written down behind the forgetting. */
static void forgotten_while_it_waits(void **state)
{
    struct forgot f;
    double later = clock_now() + 100;

    (void)state;
    forgot_begin(&f, base, store, on_gone, notes);
    notes_heed(notes, &f);
    take(NOTE_SEEN, SPAN("a.test"), "", later);
    take(NOTE_SEEN, SPAN("b.test"), "", later);
    assert_true(seen("a.test"));
    forget("a.test");
    write_down();
    assert_false(seen("a.test"));
    assert_true(seen("b.test"));
    forgot_end(&f);
}

/* Whose queue id may be asked for: what waits and what is in the store, as long as it is kept. */
static void who_asks_is_told_by_a_hint(void **state)
{
    struct hints *h = hints_new();
    double now = clock_now();

    (void)state;
    assert_non_null(h);
    take(NOTE_SENT, KEY("A1", "s.1.0.0"), "one", now + 86400);
    write_down();
    take(NOTE_SENT, KEY("A2", "s.1.0.0"), "two", now + 300);
    take(NOTE_SENT, KEY("A3", "s.1.0.0"), "three", now + 300);
    take(NOTE_HEARD, GONE("A3", "s.1.0.0"), "", 0);
    take(NOTE_SENT, KEY("A4", "s.1.0.0"), "four", 0);
    take(NOTE_SEEN, SPAN("a5"), "", now + 300);
    assert_true(hints_has(h, SPAN("A3"), now));
    notes_hint(notes, h);
    assert_true(hints_has(h, SPAN("A1"), now + 86400));
    assert_false(hints_has(h, SPAN("A1"), now + 87000));
    assert_true(hints_has(h, SPAN("A2"), now + 300));
    assert_false(hints_has(h, SPAN("A2"), now + 900));
    assert_false(hints_has(h, SPAN("A3"), now));
    assert_true(hints_has(h, SPAN("A4"), now + 1e8));
    assert_false(hints_has(h, SPAN("A"), now));
    assert_false(hints_has(h, SPAN("a5"), now));
    assert_string_equal(found("A1"), "one ");
    notes_hint(notes, NULL);
    hints_free(&h);
}

/* A worker is gone, and for how long what it told is kept cannot be found out. */
static void where_nothing_is_known_all_is_asked(void **state)
{
    struct hints *h = hints_new();
    struct store_txn *looks[1000];
    size_t count = 0;

    (void)state;
    notes_hint(notes, h);
    assert_false(hints_has(h, SPAN("A1"), clock_now()));
    while (count < COUNT_OF(looks) && (looks[count] = store_look(store))) /* LMDB has 126 */
        count++;
    assert_true(count < COUNT_OF(looks));
    notes_hint(notes, h);
    assert_true(hints_has(h, SPAN("A1"), clock_now()));
    while (count > 0)
        store_abort(&looks[--count]);
    notes_hint(notes, h);
    assert_false(hints_has(h, SPAN("A1"), clock_now()));
    hints_free(&h);
}

#define WITH_NOTES(test) cmocka_unit_test_setup_teardown(test, make, clean)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_NOTES(who_asks_is_told_by_a_hint),
        WITH_NOTES(where_nothing_is_known_all_is_asked),
        WITH_NOTES(what_was_sent_is_found_by_its_whole_id),
        WITH_NOTES(what_is_past_its_time_is_no_hit),
        WITH_NOTES(the_same_key_again_is_one_note),
        WITH_NOTES(an_outcome_takes_the_place_of_what_is_awaited),
        WITH_NOTES(heard_is_gone_and_likely_goes_sooner),
        WITH_NOTES(nonsense_is_refused),
        WITH_NOTES(forgotten_while_it_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
