/* SPDX-License-Identifier: Apache-2.0 */
#include "way/route.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

/* Candidates as "preference name address:port", '!' in front of one that was told. */
static const struct {
    const char *name;
    const char *from[6];
    bool allow_private;
    const char *want; /* the addresses that are left, with a space behind each */
    enum fail fail;
} cases[] = {
    {"by preference",
     {"20 b 9.9.9.20:25", "10 a 9.9.9.10:25"},
     false,
     "9.9.9.10 9.9.9.20 ",
     FAIL_NOT},
    {"equal ones stay in their order",
     {"10 b 9.9.9.20:25", "10 a 9.9.9.10:25"},
     false,
     "9.9.9.20 9.9.9.10 ",
     FAIL_NOT},
    {"nobody", {NULL}, false, "", FAIL_NO_ADDRESS},
    {"ourselves alone (RFC 5321, 5.1)", {"10 us 198.51.100.1:25"}, true, "", FAIL_LOOP},
    {"ourselves, and what is better",
     {"20 us 198.51.100.1:25", "10 a 9.9.9.10:25", "30 c 9.9.9.30:25"},
     false,
     "9.9.9.10 ",
     FAIL_NOT},
    {"equal to ourselves is beyond",
     {"10 a 9.9.9.10:25", "10 us 198.51.100.1:25"},
     false,
     "",
     FAIL_LOOP},
    {"the best of ours counts",
     {"5 us 198.51.100.1:25", "10 a 9.9.9.10:25", "20 us 198.51.100.1:25"},
     false,
     "",
     FAIL_LOOP},
    {"local-addresses", {"10 us 192.0.2.77:25"}, true, "", FAIL_LOOP},
    {"our machine, whatever the port", {"10 us 198.51.100.1:2525"}, true, "", FAIL_LOOP},
    {"our machine, told by the administrator",
     {"!10 x 198.51.100.1:2525"},
     true,
     "198.51.100.1 ",
     FAIL_NOT},
    {"our own listener, told", {"!10 x 127.0.0.1:2025"}, true, "", FAIL_LOOP},
    {"a listener on all addresses, on this one", {"!10 x 198.51.100.1:2026"}, true, "", FAIL_LOOP},
    {"a listener on all addresses, on loopback", {"10 x 127.9.9.9:2026"}, true, "", FAIL_LOOP},
    {"a listener on all addresses, elsewhere", {"10 x 9.9.9.1:2026"}, true, "9.9.9.1 ", FAIL_NOT},
    {"loopback is private", {"10 x 127.0.0.1:25"}, false, "", FAIL_PRIVATE},
    {"loopback, allowed", {"10 x 127.0.0.1:25"}, true, "127.0.0.1 ", FAIL_NOT},
    {"private", {"10 x 10.0.0.1:25", "10 y 9.9.9.10:25"}, false, "9.9.9.10 ", FAIL_NOT},
    {"private IPv6", {"10 x [fd00::1]:25"}, false, "", FAIL_PRIVATE},
    {"private, told", {"!10 x 10.0.0.1:25"}, false, "10.0.0.1 ", FAIL_NOT},
};

static struct addr addr(const char *text)
{
    struct addr a;

    assert_true(addr_read_port(span_of(text), &a));
    return a;
}

/* `!`: it was told so; `*` behind the rest: MX says so. */
static void add(struct route *r, const char *text)
{
    static const struct host looked_up = {.kind = HOST_LOOKUP_MX};
    struct candidate *c = &r->at[r->count++];
    char name[64], at[64];

    *c = (struct candidate){.told = *text == '!', .by = strchr(text, '*') ? &looked_up : NULL};
    assert_int_equal(sscanf(text + c->told, "%u %63s %63s", &c->preference, name, at), 3);
    snprintf(c->name, sizeof c->name, "%s", name);
    c->at = addr(at);
}

static void settling(void **state)
{
    struct addr machine[] = {addr("198.51.100.1:1"), addr("127.0.0.1:1")};
    struct addr listeners[] = {addr("127.0.0.1:2025"), addr("0.0.0.0:2026")};
    struct network other;
    struct own own = {.addresses = machine,
                      .address_count = 2,
                      .listeners = listeners,
                      .listener_count = 2,
                      .others = {&other, 1}};

    (void)state;
    assert_true(network_read(SPAN("192.0.2.77"), &other));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct route r = {.count = 0};
        char left[256] = "", at[ADDR_TEXT];
        size_t all = 0;

        for (; cases[i].from[all]; all++)
            add(&r, cases[i].from[all]);
        assert_row(route_settle(&r, &own, cases[i].allow_private) == cases[i].fail, cases[i].name);
        for (size_t j = 0; j < r.count; j++)
            snprintf(left + strlen(left), sizeof left - strlen(left), "%s ",
                     addr_text(&r.at[j].at, at));
        assert_row(!strcmp(left, cases[i].want), cases[i].name);
        assert_row(r.count + r.dropped == all, cases[i].name);
        for (size_t j = 0; j < all; j++)
            assert_row((r.at[j].drop == ROUTE_STAYS) == (j < r.count), cases[i].name);
    }
}

static const struct {
    const char *domain, *smtp_hosts;
    enum fail fail;
    enum host_kind kind;
    size_t count;
} first[] = {
    {"example.com", "", FAIL_NOT, HOST_LOOKUP_MX, 1},
    {"[192.0.2.1]", "", FAIL_NOT, HOST_ADDRESS, 1},
    {"[IPv6:2001:db8::1]", "", FAIL_NOT, HOST_ADDRESS, 1},
    {"[nonsense]", "", FAIL_BAD_DOMAIN, 0, 0},
    {"a..b", "", FAIL_BAD_DOMAIN, 0, 0},
    {"example.com", "mx.example;[192.0.2.1]", FAIL_NOT, HOST_NAME, 2},
    {"[192.0.2.9]", "mx.example", FAIL_NOT, HOST_NAME, 1},
};

static void beginning(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(first); i++) {
        struct hosts all;
        enum fail fail = route_hosts(span_of(first[i].domain), first[i].smtp_hosts, 26, &all);

        assert_row(fail == first[i].fail, first[i].domain);
        if (fail != FAIL_NOT)
            continue;
        assert_row(all.count == first[i].count && all.at[0].kind == first[i].kind, first[i].domain);
        assert_row(all.at[0].at.port == 26, first[i].domain);
    }
}

static void answers(void **state)
{
    static struct answer a = {.count = 1, .host[0] = {.name = "mx.example", .preference = 10}};
    static const struct {
        enum answer_status status;
        enum fail fail;
    } fails[] = {{ANSWER_OK, FAIL_NOT},
                 {ANSWER_NO_DOMAIN, FAIL_NO_DOMAIN},
                 {ANSWER_NULL_MX, FAIL_NULL_MX},
                 {ANSWER_NO_ADDRESS, FAIL_NO_ADDRESS},
                 {ANSWER_FAILED, FAIL_DNS},
                 {ANSWER_BOGUS, FAIL_DNSSEC},
                 {(enum answer_status)99, FAIL_DNS}};
    struct host asked = {.preference = 1, .at.port = 2525};
    struct route r = {.count = 0};

    (void)state;
    for (size_t i = 0; i < ROUTE_MAX + 5; i++)
        route_add_answer(&r, &asked, &a);
    assert_int_equal(r.count, ROUTE_MAX);
    assert_int_equal(r.at[0].preference, 10);
    assert_ptr_equal(r.at[0].by, &asked);
    assert_int_equal(r.at[0].at.port, 2525);
    assert_string_equal(r.at[0].name, "mx.example");
    for (size_t i = 0; i < COUNT_OF(fails); i++)
        assert_int_equal(route_fail_of(fails[i].status), fails[i].fail);
}

/* Whatever an MX says, what the administrator wrote counts first. */
static void preferences_of_ours(void **state)
{
    static struct answer mx = {.count = 1, .host[0] = {.name = "a", .preference = 65535}};
    static struct answer alone = {.count = 1, .host[0] = {.name = "b", .preference = 0}};
    static const struct own nobody;
    struct host by_mx = {.kind = HOST_LOOKUP_MX}, by_name = {.kind = HOST_NAME, .preference = 1};
    struct route r = {.count = 0};

    (void)state;
    mx.host[0].at = addr("9.9.9.10:25");
    alone.host[0].at = addr("9.9.9.20:25");
    route_add_answer(&r, &by_name, &alone);
    route_add_answer(&r, &by_mx, &mx);
    assert_int_equal(route_settle(&r, &nobody, false), FAIL_NOT);
    assert_int_equal(r.count, 2);
    assert_string_equal(r.at[0].name, "a");
    assert_int_equal(r.at[0].preference, 65535);
    assert_string_equal(r.at[1].name, "b");
}

/* Whose name comes from the administrator, or from DNS under DNSSEC. */
static void names_are_sure(void **state)
{
    static const struct {
        enum host_kind kind;
        bool secure, sure;
    } rows[] = {{HOST_LOOKUP_MX, false, false},
                {HOST_LOOKUP_MX, true, true},
                {HOST_NAME, false, true},
                {HOST_NAME, true, true}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        static struct answer a = {.count = 1, .host[0].name = "mx.example"};
        struct host asked = {.kind = rows[i].kind};
        struct route r = {.count = 0};

        a.secure = rows[i].secure;
        route_add_answer(&r, &asked, &a);
        route_add_address(&r, &asked, true);
        assert_int_equal(r.at[0].secure, rows[i].sure);
        assert_false(r.at[1].secure); /* which has no name */
    }
}

/* What the mail server chose, and the candidate that comes of it. */
static const struct {
    const char *name;
    const char *from[4];
    const char *to, *want;
    bool found;
} chosen[] = {
    {"one of them",
     {"10 a 9.9.9.10:25", "20 b 9.9.9.20:25"},
     "9.9.9.20:25",
     "20 b 9.9.9.20:25",
     true},
    {"by another port", {"10 a 9.9.9.10:25"}, "9.9.9.10:26", "10 a 9.9.9.10:26", true},
    {"the best of two names",
     {"20 b 9.9.9.20:25", "10 a 9.9.9.20:25", "5 c 9.9.9.30:25"},
     "9.9.9.20:25",
     "10 a 9.9.9.20:25",
     true},
    {"the first of equals",
     {"10 b 9.9.9.20:25", "10 a 9.9.9.20:25"},
     "9.9.9.20:25",
     "10 b 9.9.9.20:25",
     true},
    {"none of them", {"10 a 9.9.9.10:25"}, "9.9.9.11:25", "0  9.9.9.11:25", false},
    {"another address of the only one",
     {"10 a 9.9.9.10:25 *", "10 A [2001:db8::2]:25 *"},
     "9.9.9.11:26",
     "10 a 9.9.9.11:26",
     true},
    {"which of two is not known",
     {"10 a 9.9.9.10:25 *", "20 b 9.9.9.20:25 *"},
     "9.9.9.11:25",
     "0  9.9.9.11:25",
     false},
    {"none at all", {NULL}, "[2001:db8::1]:25", "0  [2001:db8::1]:25", false},
};

static void one_is_chosen(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(chosen); i++) {
        struct route r = {.count = 0};
        struct addr to = addr(chosen[i].to);
        char text[512], at[ADDR_TEXT];

        for (size_t k = 0; chosen[i].from[k]; k++)
            add(&r, chosen[i].from[k]);
        assert_row(route_only(&r, &to) == chosen[i].found && r.count == 1, chosen[i].name);
        snprintf(text, sizeof text, "%u %s %s", r.at[0].preference, r.at[0].name,
                 addr_port_text(&r.at[0].at, at));
        assert_row(!strcmp(text, chosen[i].want), chosen[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_chosen),  cmocka_unit_test(settling),
        cmocka_unit_test(names_are_sure), cmocka_unit_test(preferences_of_ours),
        cmocka_unit_test(beginning),      cmocka_unit_test(answers)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
