/* SPDX-License-Identifier: Apache-2.0 */
#include "t/lib/rules.h"

#include "t/unit/unit.h"

/* "a,b"; of the one list that is set here. Kept until the end. */
static void set_list(struct texts *list, struct span value)
{
    static char room[2048];
    static const char *names[256];
    static size_t used, count;

    list->at = &names[count];
    while (value.len) {
        struct span name = span_cut(&value, ',');

        assert_true(used + name.len < sizeof room && count < COUNT_OF(names));
        names[count++] = memcpy(room + used, name.at, name.len);
        used += name.len + 1;
        list->count++;
    }
}

struct source rules_section(const char *title, const char *said)
{
    struct source s = {.head = {.title = title, .file = "f", .line = 7}};
    struct span rest = span_of(said);

    option_defaults(source_options, &s);
    while (rest.len) {
        struct span name = span_cut(&rest, ' '), value = span_cut(&rest, ' ');
        const struct option *o = source_options;

        while (o->name && !span_is(name, o->name))
            o++;
        assert_non_null(o->name);
        if (o->kind == OPTION_LIST)
            set_list(&s.report_only, value);
        else
            assert_true(option_read(o, value, &s));
        s.head.set |= UINT64_C(1) << (o - source_options);
    }
    return s;
}
