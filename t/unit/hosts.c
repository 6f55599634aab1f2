/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/hosts.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

static const struct {
    const char *text;
    const char *want; /* "preference kind name-or-address:port", one a line; NULL: refused */
} cases[] = {
    {"a.example", "0 name a.example:25\n"},
    {"A.Example , b.example:26", "0 name a.example:25\n0 name b.example:26\n"},
    {"a.example;b.example,c.example", "0 name a.example:25\n1 name b.example:25\n"
                                      "1 name c.example:25\n"},
    {"[192.0.2.1]", "0 address 192.0.2.1:25\n"},
    {"[192.0.2.1]:2525", "0 address 192.0.2.1:2525\n"},
    {"[IPv6:2001:db8::1]:26; [ipv6:2001:db8::2]", "0 address [2001:db8::1]:26\n"
                                                  "1 address [2001:db8::2]:25\n"},
    {"lookup-mx:d.example", "0 lookup d.example:25\n"},
    {"LOOKUP-MX:d.example:27;[192.0.2.1]", "0 lookup d.example:27\n1 address 192.0.2.1:25\n"},
    {"b\xc3\xbc"
     "cher.example",
     "0 name xn--bcher-kva.example:25\n"},
    {"a.example:0", NULL},
    {"a.example:65536", NULL},
    {"a.example:", NULL},
    {"a.example,,b.example", NULL},
    {";a.example", NULL},
    {"a b.example", NULL},
    {"[192.0.2.1", NULL},
    {"[192.0.2.1]25", NULL},
    {"[192.0.2.1]:", NULL},
    {"[]", NULL},
    {"[192.0.2]", NULL},
    {"lookup-mx:", NULL},
    {"lookup-mx:[192.0.2.1]", NULL},
    {"a..example", NULL},
    {"lookup-mx:d.example:27, lookup-mx:e.example", "0 lookup d.example:27\n"
                                                    "0 lookup e.example:25\n"},
    {"lookup-mx:d.example:0", NULL},
    {"a; b; c", "0 name a:25\n1 name b:25\n2 name c:25\n"},
    {"a;;b", NULL},
    {"", ""},
};

static const char *shown(const struct hosts *all)
{
    static const char *const kinds[] = {"name", "address", "lookup"};
    static char text[2048];
    char at[ADDR_TEXT];
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < all->count; i++) {
        const struct host *h = &all->at[i];

        used += (size_t)snprintf(text + used, sizeof text - used, "%u %s ", h->preference,
                                 kinds[h->kind]);
        if (h->kind == HOST_ADDRESS)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s\n",
                                     addr_port_text(&h->at, at));
        else
            used +=
                (size_t)snprintf(text + used, sizeof text - used, "%s:%u\n", h->name, h->at.port);
    }
    return text;
}

static void read_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *why = NULL;
        struct hosts all;

        if (hosts_read(span_of(cases[i].text), 25, &all, &why)) {
            assert_row(cases[i].want != NULL, cases[i].text);
            assert_string_equal(shown(&all), cases[i].want);
        } else {
            assert_row(cases[i].want == NULL && why, cases[i].text);
        }
    }
}

/* Every front of a good text is read or refused, without a word lost in memory. */
static void read_cut(void **state)
{
    static const char text[] = "lookup-mx:d.example:27;[IPv6:2001:db8::1]:26,a.example";

    (void)state;
    for (size_t len = 0; len < sizeof text; len++) {
        char *copy = malloc(len + 1);
        const char *why;
        struct hosts all;

        memcpy(copy, text, len);
        if (hosts_read((struct span){copy, len}, 25, &all, &why))
            assert_true(all.count <= 3);
        free(copy);
    }
}

static void so_many(void **state)
{
    char text[2 * HOSTS_MAX + 2];
    const char *why = NULL;
    struct hosts all;

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? ',' : 'a';
    assert_true(hosts_read((struct span){text, 2 * HOSTS_MAX - 1}, 25, &all, &why));
    assert_int_equal(all.count, HOSTS_MAX);
    assert_false(hosts_read((struct span){text, 2 * HOSTS_MAX + 1}, 25, &all, &why));
    assert_string_equal(why, "too many hosts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(read_all), cmocka_unit_test(so_many),
                                       cmocka_unit_test(read_cut)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
