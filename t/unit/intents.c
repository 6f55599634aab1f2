/* SPDX-License-Identifier: Apache-2.0
 *
 * An intent is kept by its front and its end, and read when its outcome is known.
 */
#include "milter/books/intents.h"

#include "t/lib/books.h"
#include "tell/log.h"

static const struct {
    const char *name, *line;
    bool well;
    enum record_do what;
    const char *key;
} fronts[] = {
    {"an intent", "{\"do\":\"intent\",\"key\":\"a.1.2\",\"at\":12}", true, RECORD_INTENT, "a.1.2"},
    {"an outcome", "{\"do\":\"outcome\",\"key\":\"k\",\"at\":12}", true, RECORD_OUTCOME, "k"},
    {"the rest is none", "{\"do\":\"intent\",\"key\":\"k\",", true, RECORD_INTENT, "k"},
    {"another order", "{\"key\":\"k\",\"do\":\"intent\",\"at\":12}", false, 0, ""},
    {"no key", "{\"do\":\"intent\",\"at\":12}", false, 0, ""},
    {"an empty key", "{\"do\":\"intent\",\"key\":\"\",\"at\":12}", false, 0, ""},
    {"a key with escapes", "{\"do\":\"intent\",\"key\":\"\\\"\",\"at\":12}", false, 0, ""},
    {"a number as a key", "{\"do\":\"intent\",\"key\":12,\"at\":12}", false, 0, ""},
    {"nobody's deed", "{\"do\":\"other\",\"key\":\"k\"}", false, 0, ""},
    {"cut off", "{\"do\":\"intent\",\"ke", false, 0, ""},
    {"nothing", "", false, 0, ""},
};

static void the_front_says_what_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(fronts); i++) {
        enum record_do what = RECORD_ROW;
        struct span key = SPAN("");
        bool well = record_peek(span_of(fronts[i].line), &what, &key);

        assert_row(well == fronts[i].well, fronts[i].name);
        if (well)
            assert_row(what == fronts[i].what && span_is(key, fronts[i].key), fronts[i].name);
    }
}

/* Its front is well, which is all that is looked at before its end is known. */
static void a_bad_intent_is_none(void **state)
{
    struct spool *s = open_spool("delivered");

    (void)state;
    log_open("test", LOG_TO_STDERR, LOG_FAULT);
    assert_true(
        spool_append(s, SPAN("{\"do\":\"intent\",\"key\":\"one\",\"at\":1x,\"orig\":\"a\"}\n")));
    assert_true(
        spool_append(s, SPAN("{\"do\":\"intent\",\"key\":\"two\",\"at\":1x,\"orig\":\"b\"}\n")));
    assert_true(spool_append(s, SPAN("{\"do\":\"intent\",\"key\":\"three\",\"at\":12,\"o\n")));
    spool_row(s, RECORD_OUTCOME, "d", "one");
    spool_close(&s);
    open_ledger();
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\n");
    assert_int_equal(segments(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_front_says_what_it_is),
        WITH_ALL(a_bad_intent_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
