/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/report.h"

#include <stdio.h>

static const char *const names[] = {
#define REPORT(option, name) name,
    REPORT_RULES(REPORT)
#undef REPORT
        "sender-domain",
};

static const char *const demand_names[] = {
#define REPORT(option, name) name,
    DEMAND_REPORT_RULES(REPORT)
#undef REPORT
};

static bool read(const char *const *list, unsigned count, struct span name, unsigned *out)
{
    for (unsigned i = 0; i < count; i++) {
        if (!span_is_nocase(name, list[i]))
            continue;
        *out = i;
        return true;
    }
    return false;
}

static const char *text(const char *const *list, size_t count, unsigned rules, char to[REPORT_TEXT])
{
    size_t len = 0;

    to[0] = '\0';
    for (unsigned i = 0; i < count; i++)
        if (rules & 1U << i)
            len += (size_t)snprintf(to + len, REPORT_TEXT - len, "%s%s", len ? " " : "", list[i]);
    return to;
}

bool report_read(struct span name, enum report *out)
{
    unsigned at;

    if (!read(names, REPORT_COUNT, name, &at))
        return false;
    *out = (enum report)at;
    return true;
}

bool demand_report_read(struct span name, enum demand_report *out)
{
    unsigned at;

    if (!read(demand_names, DEMAND_REPORT_COUNT, name, &at))
        return false;
    *out = (enum demand_report)at;
    return true;
}

const char *report_name(enum report rule)
{
    return names[rule];
}

const char *report_text(unsigned rules, char to[REPORT_TEXT])
{
    return text(names, COUNT_OF(names), rules, to);
}

const char *demand_report_text(unsigned rules, char to[REPORT_TEXT])
{
    return text(demand_names, COUNT_OF(demand_names), rules, to);
}
