/* SPDX-License-Identifier: Apache-2.0 */
#include "t/lib/rules.h"

#include "t/unit/unit.h"

/* With its NUL, until the end of the program. */
static const char *keep(struct span text)
{
    static char room[4096];
    static size_t used;
    char *at = room + used;

    assert_true(used + text.len < sizeof room);
    memcpy(at, text.at, text.len);
    used += text.len + 1;
    return at;
}

/* "a,b" */
static void set_list(struct texts *list, struct span value)
{
    static const char *names[256];
    static size_t count;

    list->at = &names[count];
    for (; value.len; list->count++) {
        assert_true(count < COUNT_OF(names));
        names[count++] = keep(span_cut(&value, ','));
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
        else if (o->kind == OPTION_TEXT)
            s.smtp_max_auth_failure_rate = keep(value);
        else
            assert_true(option_read(o, value, &s));
        s.head.set |= UINT64_C(1) << (o - source_options);
    }
    return s;
}
