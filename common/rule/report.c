/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/report.h"

#include <stdio.h>

static const char *const names[] = {
#define REPORT(option, name) name,
    REPORT_RULES(REPORT)
#undef REPORT
        "sender-domain",
};

bool report_read(struct span name, enum report *out)
{
    for (unsigned i = 0; i < REPORT_COUNT; i++) {
        if (!span_is_nocase(name, names[i]))
            continue;
        *out = (enum report)i;
        return true;
    }
    return false;
}

const char *report_name(enum report rule)
{
    return names[rule];
}

const char *report_text(unsigned rules, char to[REPORT_TEXT])
{
    size_t len = 0;

    to[0] = '\0';
    for (unsigned i = 0; i < COUNT_OF(names); i++)
        if (rules & 1U << i)
            len += (size_t)snprintf(to + len, REPORT_TEXT - len, "%s%s", len ? " " : "", names[i]);
    return to;
}
