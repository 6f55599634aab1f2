/* SPDX-License-Identifier: Apache-2.0 */
#include "tell/merge.h"

#include <math.h>

#include "unit.h"

static void assert_same(struct span is, struct span should)
{
    assert_true(span_same(is, should));
}

/* What the end says it says alone, even where it says nothing. */
static void an_outcome_has_the_rest_of_its_intent(void **state)
{
    struct record intent = {.what = RECORD_INTENT,
                            .queued = 1549662843,
                            .id_host = SPAN("mx.lab.test")},
                  outcome = {.what = RECORD_OUTCOME, .at = 2000000000};

    (void)state;
    for (int i = 0; i < COLUMN_COUNT; i++)
        intent.column[i] = SPAN("intent");
    intent.disabled = true;
    record_add_header(&intent, SPAN("X-Job"), SPAN("intent"));
    outcome.column[COLUMN_type] = SPAN("d");
    outcome.column[COLUMN_envId] = SPAN("own");
    merge_intent(&outcome, &intent);
    for (int i = 0; i < COLUMN_COUNT; i++) {
        bool end = i == COLUMN_dsnAction || i == COLUMN_dsnStatus || i == COLUMN_dsnDiag ||
                   i == COLUMN_bounceCat || i == COLUMN_dlvSize;

        assert_same(outcome.column[i], i == COLUMN_type    ? SPAN("d")
                                       : i == COLUMN_envId ? SPAN("own")
                                       : end               ? SPAN("")
                                                           : SPAN("intent"));
    }
    assert_true(outcome.at > 1999999999 && fabs(outcome.queued - intent.queued) < 1e-6);
    assert_false(outcome.disabled);
    assert_same(outcome.id_host, intent.id_host);
    assert_same(record_header(&outcome, SPAN("x-job")), SPAN("intent"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_outcome_has_the_rest_of_its_intent)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
