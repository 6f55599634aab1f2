/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/idna.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    const char *from, *to; /* `to` NULL: no name */
} cases[] = {
    {"example.com", "example.com"},
    {"EXAMPLE.Com", "example.com"},
    {"_x.example", "_x.example"},
    {"localhost", "localhost"},
    {"b\xc3\xbc"
     "cher.example",
     "xn--bcher-kva.example"},
    {"B\xc3\x9c"
     "CHER.example",
     "xn--bcher-kva.example"},
    {"fa\xc3\x9f.example", "xn--fa-hia.example"}, /* nontransitional */
    {"xn--bcher-kva.example", "xn--bcher-kva.example"},
    {L63 ".example", L63 ".example"},
    {"a" L63 ".example", NULL},
    {L63 "." L63 "." L63 "." L63, NULL}, /* 255 */
    {"", NULL},
    {".", NULL},
    {"example.com.", NULL},
    {".example.com", NULL},
    {"a..b", NULL},
    {"a b.example", NULL},
    {"a/b.example", NULL},
    {"\xff\xfe.example", NULL},
    {"[192.0.2.1]", NULL},
};

static void names(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char to[IDNA_NAME];
        bool is = idna_ascii(span_of(cases[i].from), to);

        assert_row(is == (cases[i].to != NULL), cases[i].from);
        if (is)
            assert_string_equal(to, cases[i].to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
