/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "t/lib/rules.h"

static struct addr addr(const char *text)
{
    struct addr a;

    assert_true(addr_read(span_of(text), &a));
    return a;
}

/* The order in the file does not count, so this one is mixed. */
static struct sources *example(struct source *sections)
{
    char why[256] = "";
    struct sources *s;
    size_t n = 0;

    sections[n++] = rules_section("10.1.2.3", "allow_auth no");
    sections[n++] = rules_section("10/8", "allow_starttls no require_auth yes");
    sections[n++] = rules_section("0/0", "allow_starttls yes smtp_command_timeout 1m");
    sections[n++] = rules_section("10.1.0.0/16", "allow_starttls yes smtp_command_timeout 2m");
    sections[n++] = rules_section("2001:db8::/32", "smtp_service no");
    sections[n++] = rules_section("2001:db8:1::/48", "smtp_service yes require_starttls yes");
    sections[n++] = rules_section("0.0.0.0/0", "smtp_data_timeout 9m");
    sections[n++] = rules_section("10.1.2.0/23", "allow_unencrypted_plain_auth yes");
    sections[n++] =
        rules_section("strict", "allow_starttls yes require_starttls yes allow_auth no");
    s = sources_new(sections, n, why, sizeof why);
    assert_string_equal(s ? "" : why, "");
    return s;
}

static const struct {
    const char *client, *name, *title;
    bool starttls, require, auth, require_auth, plain, service;
    unsigned long command, data;
} cases[] = {
    {"192.0.2.1", NULL, "0.0.0.0/0", true, false, true, false, false, true, 60, 540},
    {"10.9.9.9", NULL, "10/8", false, false, true, true, false, true, 60, 540},
    {"10.1.9.9", "", "10.1.0.0/16", true, false, true, true, false, true, 120, 540},
    {"10.1.3.9", NULL, "10.1.2.0/23", true, false, true, true, true, true, 120, 540},
    {"10.1.4.0", NULL, "10.1.0.0/16", true, false, true, true, false, true, 120, 540},
    {"10.1.2.3", NULL, "10.1.2.3", true, false, false, true, true, true, 120, 540},
    {"10.1.2.3", "strict", "strict", true, true, false, true, true, true, 120, 540},
    {"10.9.9.9", "STRICT", "strict", true, true, false, true, false, true, 60, 540},
    {"10.9.9.9", "nobody", "10/8", false, false, true, true, false, true, 60, 540},
    {"::1", NULL, "0/0", true, false, true, false, false, true, 60, 600},
    {"2001:db7:ffff::", NULL, "0/0", true, false, true, false, false, true, 60, 600},
    {"2001:db8:2::1", NULL, "2001:db8::/32", true, false, true, false, false, false, 60, 600},
    {"2001:db8:1::1", NULL, "2001:db8:1::/48", true, true, true, false, false, true, 60, 600},
    {"::ffff:10.1.9.9", NULL, "10.1.0.0/16", true, false, true, true, false, true, 120, 540},
    {"2001:db8:1:ffff::1", NULL, "2001:db8:1::/48", true, true, true, false, false, true, 60, 600},
};

static void test_merged(void **state)
{
    struct source sections[16], found;
    struct sources *s = example(sections);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct addr a = addr(cases[i].client);

        print_message("# %s %s\n", cases[i].client, cases[i].name ? cases[i].name : "");
        sources_find(s, &a, cases[i].name, &found);
        assert_string_equal(found.head.title, cases[i].title);
        assert_int_equal(found.allow_starttls, cases[i].starttls);
        assert_int_equal(found.require_starttls, cases[i].require);
        assert_int_equal(found.allow_auth, cases[i].auth);
        assert_int_equal(found.require_auth, cases[i].require_auth);
        assert_int_equal(found.allow_unencrypted_plain_auth, cases[i].plain);
        assert_int_equal(found.smtp_service, cases[i].service);
        assert_int_equal(found.smtp_command_timeout, cases[i].command);
        assert_int_equal(found.smtp_data_timeout, cases[i].data);
    }
    assert_true(sources_has_name(s, "strict"));
    assert_true(sources_has_name(s, "Strict"));
    assert_false(sources_has_name(s, "10/8"));
    assert_false(sources_has_name(s, "nobody"));
    sources_free(&s);
    assert_null(s);
}

static void test_none(void **state)
{
    char why[256];
    struct sources *s = sources_new(NULL, 0, why, sizeof why);
    struct addr a = addr("192.0.2.1");
    struct source found;

    (void)state;
    assert_non_null(s);
    sources_find(s, &a, NULL, &found);
    assert_string_equal(found.head.title, "default");
    assert_int_equal(found.head.set, 0);
    assert_false(found.allow_starttls);
    assert_true(found.allow_auth);
    assert_true(found.smtp_service);
    assert_int_equal(found.smtp_command_timeout, 300);
    sources_free(&s);
}

/* A rate is read once, and merges as the option does that it comes from. */
static void test_rate(void **state)
{
    struct source sections[] = {
        rules_section("0/0", "smtp_max_auth_failure_rate 3/h"),
        rules_section("10/8", "allow_auth no"),
        rules_section("10.1/16", "smtp_max_auth_failure_rate 7/m"),
        rules_section("10.1.1/24", "smtp_max_auth_failure_rate unlimited"),
        rules_section("strict", "smtp_max_auth_failure_rate 1/d"),
        rules_section("web", "allow_auth no"),
    };
    static const struct {
        const char *client, *name;
        unsigned count, seconds;
    } rows[] = {
        {"192.0.2.1", "", 3, 3600}, {"10.9.9.9", "", 3, 3600},        {"10.1.9.9", "", 7, 60},
        {"10.1.1.1", "", 0, 0},     {"10.1.1.1", "strict", 1, 86400}, {"10.1.9.9", "web", 7, 60},
    };
    char why[256] = "";
    struct sources *s = sources_new(sections, COUNT_OF(sections), why, sizeof why);

    (void)state;
    assert_string_equal(s ? "" : why, "");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct addr a = addr(rows[i].client);
        struct source found;

        print_message("# %s %s\n", rows[i].client, rows[i].name);
        sources_find(s, &a, rows[i].name, &found);
        assert_int_equal(found.auth_failures.count, rows[i].count);
        assert_int_equal(found.auth_failures.seconds, rows[i].seconds);
        sources_find_auth(s, &a, rows[i].name, &found);
        assert_int_equal(found.auth_failures.count, rows[i].count);
    }
    sources_free(&s);
}

static const struct {
    const char *first, *second, *says;
} wrong[] = {
    {"10.0.0.0/8", "10.0.0.1/8", "f:7: source 10.0.0.1/8: neither a network nor a name"},
    {"0/0", "10.0.0.0.1", "f:7: source 10.0.0.0.1: neither a network nor a name"},
    {"0/0", "", "f:7: source : neither a network nor a name"},
    {"0/0", "a b", "f:7: source a b: neither a network nor a name"},
    {"0/0", "::/0", "is there twice, first in f:7; make one of them"},
    {"10/8", "10.0.0.0/8", "is there twice, first in f:7; make one of them"},
    {"10.0.0.1", "10.0.0.1/32", "is there twice"},
    {"web", "WEB", "is there twice"},
    {"{auth}", "{AUTH}", "is there twice"},
    {"0/0", "{pickup}", "neither a network nor a name"},
};

static void test_wrong(void **state)
{
    char why[512];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct source sections[2] = {rules_section(wrong[i].first, ""),
                                     rules_section(wrong[i].second, "")};

        print_message("# %s\n", wrong[i].second);
        assert_null(sources_new(sections, 2, why, sizeof why));
        assert_non_null(strstr(why, wrong[i].says));
    }
}

static uint32_t random_next(void)
{
    static uint32_t last = 1;

    last = last * 1664525 + 1013904223;
    return last >> 8;
}

/* Networks within 10.0.0.0/14 of every length from 10.0.0.0/8 on, none of them twice. */
enum { NETWORKS = 600 };
static struct source random_sections[NETWORKS];
static struct network random_nets[NETWORKS];

static bool is_new(size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!memcmp(&random_nets[i], &random_nets[n], sizeof *random_nets))
            return false;
    return true;
}

static void make_networks(void)
{
    static char titles[NETWORKS][32];

    for (size_t n = 0; n < NETWORKS;) {
        uint32_t bits = 8 + random_next() % 25;
        uint32_t ip = (10u << 24 | random_next() % (1 << 18)) & ~0u << (32 - bits);

        snprintf(titles[n], sizeof titles[n], "10.%u.%u.%u/%u", ip >> 16 & 255, ip >> 8 & 255,
                 ip & 255, bits);
        assert_true(network_read(span_of(titles[n]), &random_nets[n]));
        if (!is_new(n))
            continue;
        random_sections[n] = rules_section(titles[n], "");
        n++;
    }
}

/* Whoever is said to decide has the value that was found, and nobody means the default. */
static void check_deciders(const struct sources *s, const struct source *sections, size_t count,
                           const struct addr *a, const char *name, bool logged_in)
{
    struct source found, without;

    option_defaults(source_options, &without);
    if (logged_in)
        sources_find_auth(s, a, name, &found);
    else
        sources_find(s, a, name, &found);
    for (size_t row = 0; source_options[row].name; row++) {
        const struct option *o = &source_options[row];
        const struct source *by = source_decider(sections, count, a, name, logged_in, row);

        assert_int_equal(by != NULL, found.head.set >> row & 1);
        assert_memory_equal((const char *)&found + o->offset,
                            (const char *)(by ? by : &without) + o->offset, o->size);
    }
}

static void test_deciders(void **state)
{
    struct source sections[16];
    struct sources *s = example(sections);
    char why[256];

    (void)state;
    sources_free(&s);
    sections[9] = rules_section("{auth}", "smtp_command_timeout 7m smtp_data_timeout 8m");
    sections[8] = rules_section("strict", "require_starttls yes smtp_command_timeout 3m");
    s = sources_new(sections, 10, why, sizeof why);
    assert_non_null(s);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct addr a = addr(cases[i].client);

        check_deciders(s, sections, 10, &a, cases[i].name, false);
        check_deciders(s, sections, 10, &a, cases[i].name, true);
    }
    sources_free(&s);
}

/* The answer of a walk through the list, for any client. */
static void test_like_a_list(void **state)
{
    char why[512] = "";
    struct sources *s;

    (void)state;
    make_networks();
    s = sources_new(random_sections, NETWORKS, why, sizeof why);
    assert_string_equal(s ? "" : why, "");
    for (int i = 0; i < 20000; i++) {
        uint32_t ip = random_next() % (1 << 18);
        struct addr a = {
            .ip = {[10] = 255, 255, 10, (uint8_t)(ip >> 16), (uint8_t)(ip >> 8), (uint8_t)ip}};
        const char *best = "default";
        struct source found;
        uint8_t bits = 0;

        for (size_t k = 0; k < NETWORKS; k++) {
            if (random_nets[k].bits > bits && network_has(&random_nets[k], &a)) {
                bits = random_nets[k].bits;
                best = random_sections[k].head.title;
            }
        }
        sources_find(s, &a, NULL, &found);
        assert_string_equal(found.head.title, best);
    }
    sources_free(&s);
}

/* The shortest of many rounds of 1,000 lookups, so that other programs do not count. */
static double cost(size_t count)
{
    struct source *sections = calloc(count, sizeof *sections), found;
    char(*titles)[32] = calloc(count, sizeof *titles), why[256];
    struct sources *s;
    double best = 1e9;

    for (size_t i = 0; i < count; i++) {
        snprintf(titles[i], sizeof titles[i], "10.%zu.%zu.0/24", i / 250, i % 250);
        sections[i] = rules_section(titles[i], "allow_auth no");
    }
    s = sources_new(sections, count, why, sizeof why);
    assert_non_null(s);
    for (int round = 0; round < 300; round++) {
        struct timespec from, to;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
        for (size_t i = 0; i < 1000; i++) {
            struct addr a = {.ip = {[10] = 255, 255, 10, 0, 0, 9}};
            size_t pick = i * 7919 % count;

            a.ip[13] = (uint8_t)(pick / 250);
            a.ip[14] = (uint8_t)(pick % 250);
            sources_find(s, &a, NULL, &found);
            assert_false(found.allow_auth);
        }
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
        double took = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
        if (took < best)
            best = took;
    }
    sources_free(&s);
    free(sections);
    free(titles);
    return best / 1000;
}

static void test_cost(void **state)
{
    double few = cost(10), many = cost(10000);

    (void)state;
    print_message("# a lookup among 10: %.0f ns, among 10,000: %.0f ns\n", few, many);
    assert_true(many < 2 * few);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merged),      cmocka_unit_test(test_deciders),
        cmocka_unit_test(test_none),        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_like_a_list), cmocka_unit_test(test_cost),
        cmocka_unit_test(test_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
