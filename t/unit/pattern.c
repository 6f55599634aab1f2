/* SPDX-License-Identifier: Apache-2.0
 *
 * The merge of domain sections against one that is as plain as can be, on sections and names of
 * chance; and what a lookup costs.
 */
#include "rule/pattern.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rule/domain.h"
#include "unit.h"

enum { SECTIONS = 24, ROUNDS = 400, NAMES = 60, TITLE = 64 };

static const struct {
    const char *name;
    size_t offset;
} options[] = {
    {"max_smtp_out", offsetof(struct domain, max_smtp_out)},
    {"default_smtp_port", offsetof(struct domain, default_smtp_port)},
    {"connect_timeout", offsetof(struct domain, connect_timeout)},
};

static const char *const words[] = {"a", "b.c"};
static const struct macro macro_section = {.head = {.title = "m", .file = "f", .line = 1},
                                           .words = {words, 2}};

/* The same each time: what fails once fails again. */
static unsigned chance(unsigned below)
{
    static uint64_t state = 4711;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % below;
}

static void random_name(char to[TITLE], unsigned least)
{
    size_t len = 0;

    for (unsigned labels = least + chance(4); labels > 0; labels--)
        len += (size_t)snprintf(to + len, TITLE - len, "%s%c", len ? "." : "", "abABc"[chance(5)]);
    to[len] = '\0';
}

static void random_title(char to[TITLE])
{
    static const char *const before[] = {"", "*.", "[*.]"};
    char name[TITLE];

    random_name(name, 1);
    switch (chance(8)) {
    case 0:
        snprintf(to, TITLE, "*");
        break;
    case 1:
        snprintf(to, TITLE, "%s$m", before[chance(3)]);
        break;
    case 2:
        snprintf(to, TITLE, "%sa.$m.%c", before[chance(3)], "ab"[chance(2)]);
        break;
    case 3:
        if (chance(2))
            snprintf(to, TITLE, "[10.%u.0.0/%u]", chance(2) * 128, 9 + chance(2) * 7);
        else
            snprintf(to, TITLE, "[%s]", chance(2) ? "0/0" : "IPv6:2001:db8::/32");
        break;
    default:
        snprintf(to, TITLE, "%s%s", before[chance(3)], name);
    }
}

/* How well the pattern fits; 0: not at all. */
static unsigned fit_name(const char *pattern, const char *name, bool expanded)
{
    bool both = !strncmp(pattern, "[*.]", 4), below = !both && !strncmp(pattern, "*.", 2);
    const char *own = pattern + (both ? 4 : below ? 2 : 0);
    size_t len = strlen(own), all = strlen(name);
    bool is = !strcasecmp(own, name);
    bool is_below =
        all > len + 1 && name[all - len - 1] == '.' && !strcasecmp(name + all - len, own);
    unsigned labels = 1;

    for (const char *c = own; *c; c++)
        labels += *c == '.';
    if ((is && !below) || (is_below && (both || below)))
        return 2 * (labels * 4 + (both ? 1 : below ? 2 : 3)) + !expanded;
    return 0;
}

static unsigned fit(const char *title, const char *name)
{
    const char *dollar = strstr(title, "$m");
    char text[2 * TITLE];
    unsigned best = 0;

    if (!strcmp(title, "*"))
        return 1;
    if (*title == '[' && title[1] != '*') {
        struct network n;
        struct addr a;
        struct span inside = {name + 1, strlen(name) - 2};
        bool v6 = !strncmp(title + 1, "IPv6:", 5);

        if (*name != '[' || !addr_read(inside.at[0] == 'I' ? span_after(inside, 5) : inside, &a))
            return 0;
        assert_true(
            network_read((struct span){title + (v6 ? 6 : 1), strlen(title) - (v6 ? 7 : 2)}, &n));
        return network_has(&n, &a) ? 2 + n.bits : 0;
    }
    if (!dollar)
        return fit_name(title, name, false);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        snprintf(text, sizeof text, "%.*s%s%s", (int)(dollar - title), title, words[i], dollar + 2);
        unsigned one = fit_name(text, name, true);

        best = one > best ? one : best;
    }
    return best;
}

struct chance_rules {
    struct domain at[SECTIONS];
    char titles[SECTIONS][TITLE];
    size_t count;
};

/* Each option of itself: who fits best of those that set it? */
static unsigned long plain(const struct chance_rules *r, const char *name, size_t option,
                           const struct domain *without)
{
    const struct domain *found = without;
    unsigned best = 0;

    for (size_t i = 0; i < r->count; i++) {
        const struct domain *d = &r->at[i];
        unsigned f = option_is_set(domain_options, &d->head, options[option].offset)
                         ? fit(d->head.title, name)
                         : 0;

        if (f > best) {
            best = f;
            found = d;
        }
    }
    return *(const unsigned long *)((const char *)found + options[option].offset);
}

static void add_section(struct chance_rules *r)
{
    struct domain *d = &r->at[r->count];

    random_title(r->titles[r->count]);
    *d = (struct domain){
        .head = {.title = r->titles[r->count], .file = "f", .line = (unsigned)r->count + 1}};
    option_defaults(domain_options, d);
    for (const struct option *o = domain_options; o->name; o++)
        for (size_t i = 0; i < COUNT_OF(options); i++)
            if (!strcmp(o->name, options[i].name) && chance(2)) {
                *(unsigned long *)((char *)d + o->offset) = 100 * (r->count + 1) + i;
                d->head.set |= UINT64_C(1) << (o - domain_options);
            }
    r->count++;
}

/* Sections of chance that go together: what is twice is left out. */
static struct domains *random_rules(struct chance_rules *r, const struct macros *m)
{
    struct domains *d = NULL, *more;
    char why[512];

    r->count = 0;
    for (unsigned wanted = 1 + chance(SECTIONS); wanted > 0; wanted--) {
        add_section(r);
        more = domains_new(r->at, r->count, m, why, sizeof why);
        if (more) {
            domains_free(&d);
            d = more;
        } else {
            assert_row(strstr(why, "is there twice, first"), why);
            r->count--;
        }
    }
    domains_free(&d);
    d = domains_new(r->at, r->count, m, why, sizeof why);
    assert_row(d, why);
    return d;
}

static void merge_as_plainly(void **state)
{
    char why[256];
    struct macros *m = macros_new(&macro_section, 1, why, sizeof why);
    static struct chance_rules rules;
    static const char *const literals[] = {"[10.0.0.1]", "[10.128.3.4]", "[192.0.2.1]",
                                           "[IPv6:2001:db8::9]", "[IPv6:2001:db9::9]"};
    struct domain without;

    (void)state;
    option_defaults(domain_options, &without);
    for (int round = 0; round < ROUNDS; round++) {
        struct domains *d = random_rules(&rules, m);

        for (int n = 0; n < NAMES; n++) {
            char name[TITLE];
            const struct domain *found;

            random_name(name, 1);
            if (n < (int)COUNT_OF(literals))
                snprintf(name, sizeof name, "%s", literals[n]);
            found = domains_find(d, span_of(name));
            for (size_t i = 0; i < COUNT_OF(options); i++)
                assert_int_equal(*(const unsigned long *)((const char *)found + options[i].offset),
                                 plain(&rules, name, i, &without));
        }
        domains_free(&d);
    }
    macros_free(&m);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What reading and merging so many costs, and in `lookup` one lookup; in seconds. */
static double cost(size_t count, double *lookup)
{
    struct domain *sections = calloc(count, sizeof *sections);
    char(*titles)[40] = calloc(count, sizeof *titles), name[64], why[256];
    struct domains *d;
    double began, took;

    for (size_t i = 0; i < count; i++) {
        static const char *const before[] = {"", "*.", "[*.]"};

        snprintf(titles[i], sizeof titles[i], "%sd%zu.example%zu.test", before[i % 3], i, i % 7);
        sections[i] = (struct domain){.head = {.title = titles[i], .file = "f", .line = 1}};
        option_defaults(domain_options, &sections[i]);
    }
    began = seconds();
    d = domains_new(sections, count, NULL, why, sizeof why);
    took = seconds() - began;
    assert_row(d, why);
    *lookup = 1;
    for (int round = 0; round < 20; round++) {
        char names[1000][64];

        for (size_t i = 0; i < 1000; i++) {
            size_t pick = (i * 7919 + (size_t)round * 104729) % count;

            snprintf(names[i], sizeof name, "%sd%zu.example%zu.test", pick % 3 == 1 ? "mail." : "",
                     pick, pick % 7);
        }
        began = seconds();
        for (size_t i = 0; i < 1000; i++)
            if (domains_find(d, span_of(names[i]))->head.line != 1)
                fail();
        double one = (seconds() - began) / 1000;

        *lookup = one < *lookup ? one : *lookup;
    }
    domains_free(&d);
    free(sections);
    free(titles);
    return took;
}

/* The limits are generous: sanitizers and busy machines keep them too. A walk through all
 * sections would be a thousand times over them. */
static void many_cost_little(void **state)
{
    double few, many, merge_few = cost(1000, &few), merge_many = cost(100000, &many);

    (void)state;
    print_message("# merged: 1,000 in %.1f ms, 100,000 in %.0f ms\n", merge_few * 1e3,
                  merge_many * 1e3);
    print_message("# a lookup among 1,000: %.0f ns, among 100,000: %.0f ns\n", few * 1e9,
                  many * 1e9);
    assert_true(merge_many < 5);
    assert_true(many < 20e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merge_as_plainly),
        cmocka_unit_test(many_cost_little),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
