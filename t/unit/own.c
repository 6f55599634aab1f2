/* SPDX-License-Identifier: Apache-2.0 */
#include "way/own.h"

#include "unit.h"

/* A listener that is known by a map hears all of 127/8: a server there, at its port, is us. */
static void map_is_everywhere(void **state)
{
    static const char text[] = "relay-listener 127.0.0.1:2525 {\n hand-over = transport-map\n"
                               " map = \"127.0.0.1:2526\"\n}\n"
                               "relay-listener 127.0.0.1:2527 { }\n";
    static const struct {
        const char *at;
        bool ours;
    } rows[] = {{"127.0.0.1:2525", true},
                {"127.0.0.77:2525", true},
                {"127.0.0.77:25", false},
                {"127.0.0.1:2527", true},
                {"127.0.0.77:2527", false}};
    char why[256] = "";
    struct settings *s = settings_read_text(span_of(text), "f", why, sizeof why);
    struct own own;

    (void)state;
    assert_non_null(s);
    own_find(&own, s);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct route r = {.count = 1, .at[0].told = true};

        assert_true(addr_read_port(span_of(rows[i].at), &r.at[0].at));
        assert_int_equal(rows[i].ours ? FAIL_LOOP : FAIL_NOT, route_settle(&r, &own, true));
    }
    own_clear(&own);
    settings_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(map_is_everywhere)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
