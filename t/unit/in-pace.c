/* SPDX-License-Identifier: Apache-2.0
 *
 * Who drips a message comes to an end; who stalls, or is only slow, does not before its time.
 */
#include "proxy-in/pace.h"

#include "t/unit/unit.h"

static const struct {
    const char *name;
    double limit;
    unsigned every; /* seconds between two pieces */
    uint64_t piece; /* bytes */
    unsigned ends;  /* after so many seconds; 0: never */
} cases[] = {
    {"nothing comes", 600, 60, 0, 600},
    {"4 KB, always just in time", 600, 599, 4096, 616},
    {"a byte each second", 600, 1, 1, 603},
    {"half of the least rate", 600, 10, 1280, 1195},
    {"the least rate", 600, 10, 2560, 0},
    {"a modem", 600, 1, 3000, 0},
    {"much, then a long rest, again and again", 600, 599, 1 << 20, 0},
    {"much, then a rest that is too long", 600, 601, 1 << 20, 600},
    {"a short limit", 2, 1, 128, 4},
};

static unsigned end_of(double limit, unsigned every, uint64_t piece)
{
    uint64_t heard = 77;
    struct pace p;

    pace_begin(&p, limit, heard);
    for (unsigned now = 1; now < 100000; now++) {
        if (now % every == 0)
            heard += piece;
        pace_go(&p, limit, 1, heard);
        assert_true(p.left <= limit);
        if (p.left <= 0)
            return now;
    }
    return 0;
}

static void drips(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_row(end_of(cases[i].limit, cases[i].every, cases[i].piece) == cases[i].ends,
                   cases[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(drips)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
