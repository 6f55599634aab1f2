/* SPDX-License-Identifier: Apache-2.0 */
#include "acct/type.h"

static const struct {
    struct span letter, name;
    char star;
    bool has_queue;
} types[TYPES] = {
    {SPAN("d"), SPAN("delivery"), 'd', true},  {SPAN("b"), SPAN("bounce"), 'b', true},
    {SPAN("t"), SPAN("transient"), 't', true}, {SPAN("tq"), SPAN("transient-queue"), 'q', true},
    {SPAN("r"), SPAN("receipt"), 'r', false},
};

static const char *const foreign[] = {
    "f", "rb", "rs", "feedback-loop", "remote-bounce", "remote-status",
};

int type_find(struct span name)
{
    for (int i = 0; i < TYPES; i++) {
        if (span_same_nocase(name, types[i].letter) || span_same_nocase(name, types[i].name))
            return i;
    }
    return -1;
}

const char *type_letter(int type)
{
    return type < 0 ? NULL : types[type].letter.at;
}

char type_star(int type)
{
    return types[type].star;
}

bool type_is_foreign(struct span name)
{
    for (size_t i = 0; i < COUNT_OF(foreign); i++) {
        if (span_is_nocase(name, foreign[i]))
            return true;
    }
    return false;
}

bool type_has_queue(int type)
{
    return types[type].has_queue;
}
