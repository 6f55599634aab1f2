/* SPDX-License-Identifier: Apache-2.0 */
#include "way/family.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

/* Candidates as a word each: the server's letter, the family, a number; "a61" is a's first IPv6
 * address. With a letter behind it, it is of that preference. Those in `down` did not answer
 * lately. */
static const struct {
    const char *name, *from, *down, *want;
    bool v6_first;
} orders[] = {
    {"IPv6 first", "a41 a61", "", "a61 a41", true},
    {"IPv4 first", "a61 a41", "", "a41 a61", false},
    {"they take turns", "a41 a42 a61 a62", "", "a61 a41 a62 a42", true},
    {"more of one", "a41 a42 a43 a61", "", "a61 a41 a42 a43", true},
    {"more of the other", "a61 a62 a63 a41", "", "a61 a41 a62 a63", true},
    {"one family", "a42 a41", "", "a42 a41", true},
    {"each server by itself", "a41 a61 b41 b61", "", "a61 a41 b61 b41", true},
    {"servers stay in their order", "b41 a41 a61", "", "b41 a61 a41", true},
    {"one name at two preferences", "a41 a61b a42b", "", "a41 a61b a42b", true},
    {"addresses without a name stay", "-41 -61", "", "-41 -61", true},
    {"down", "a41 a61", "a61", "a41 a61", true},
    {"down, of several", "a41 a42 a61 a62", "a61 a62", "a41 a42 a61 a62", true},
    {"all are down", "a41 a61", "a41 a61", "a61 a41", true},
    {"down, but the only one of a better server", "a61 b41", "a61", "a61 b41", true},
};

static void add(struct route *r, const char *word)
{
    struct candidate *c = &r->at[r->count++];
    char at[32];

    *c = (struct candidate){.name = {word[0] == '-' ? '\0' : word[0], '\0'},
                            .preference = (unsigned char)word[3]};
    snprintf(at, sizeof at, word[1] == '6' ? "2001:db8::%c%c" : "192.0.2.%d%c",
             word[1] == '6' ? word[0] == '-' ? '0' : word[0] : 1, word[2]);
    assert_true(addr_read(span_of(at), &c->at));
}

static struct route route_of(const char *words)
{
    struct route r = {.count = 0};
    char copy[128], *rest = copy, *word;

    snprintf(copy, sizeof copy, "%s", words);
    while ((word = strsep(&rest, " ")))
        if (*word)
            add(&r, word);
    return r;
}

static bool is_down(void *arg, const struct addr *at)
{
    const struct route *down = arg;

    for (size_t i = 0; i < down->count; i++)
        if (!memcmp(&down->at[i].at, at, sizeof *at))
            return true;
    return false;
}

static void order(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        struct route r = route_of(orders[i].from), want = route_of(orders[i].want),
                     down = route_of(orders[i].down);

        family_order(&r, orders[i].v6_first);
        family_put_back(&r, is_down, &down);
        for (size_t j = 0; j < r.count; j++)
            assert_row(!strcmp(r.at[j].name, want.at[j].name) &&
                           !memcmp(&r.at[j].at, &want.at[j].at, sizeof r.at[j].at),
                       orders[i].name);
    }
}

/* Which comes first, by what this machine and the rule have. */
static const struct {
    const char *ours, *source;
    bool v6_first;
} machines[] = {
    {"192.0.2.1", "", false},
    {"2600::1", "", true},
    {"::1", "", false},
    {"fe80::1", "", false},
    {"fd00::1", "", false},
    {"2600::1", "192.0.2.1", false},
    {"2600::1", "192.0.2.1 2600::1", true},
    {"192.0.2.1", "2600::1", true},
};

static void first(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(machines); i++) {
        struct domain rule = {.source_address = machines[i].source};
        struct addr at;
        struct own own = {.addresses = &at, .address_count = 1};

        assert_true(addr_read(span_of(machines[i].ours), &at));
        assert_row(family_is_v6_first(&own, &rule) == machines[i].v6_first, machines[i].ours);
    }
}

/* How long the first one has. */
static const struct {
    const char *from;
    unsigned long timeout;
    double want;
} waits[] = {
    {"a61 a41", 30, 2},  {"a61 a41", 1, 1}, {"a61 a62 a41", 30, 2},
    {"a61 b41", 30, 30}, {"a61", 30, 30},   {"a41 a61", 30, 30},
};

static void patience(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(waits); i++) {
        struct route r = route_of(waits[i].from);
        struct domain rule = {.connect_timeout = waits[i].timeout};

        assert_row(family_patience(&r, 0, &rule) == waits[i].want, waits[i].from);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(order), cmocka_unit_test(first),
                                       cmocka_unit_test(patience)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
