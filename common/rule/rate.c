/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/rate.h"

#include "base/text.h"

static unsigned worth_of(struct span unit)
{
    static const struct {
        const char *name;
        unsigned seconds;
    } units[] = {
        {"d", 86400}, {"day", 86400}, {"h", 3600}, {"hr", 3600},
        {"m", 60},    {"min", 60},    {"s", 1},    {"sec", 1},
    };

    for (size_t i = 0; i < COUNT_OF(units); i++)
        if (span_is_nocase(unit, units[i].name))
            return units[i].seconds;
    return 0;
}

/* The digits at the front, which are taken off. */
static struct span take_digits(struct span *s)
{
    size_t n = 0;

    while (n < s->len && s->at[n] >= '0' && s->at[n] <= '9')
        n++;

    struct span digits = {s->at, n};

    *s = span_after(*s, n);
    return digits;
}

bool rate_read(struct span text, struct rate *out)
{
    unsigned long count, times = 1;
    struct span rest = text;

    if (span_is_nocase(text, "unlimited")) {
        *out = (struct rate){0};
        return true;
    }
    if (!text_number(take_digits(&rest), RATE_COUNT_MOST, &count) || count == 0 || rest.len < 2 ||
        rest.at[0] != '/')
        return false;
    rest = span_after(rest, 1);

    struct span digits = take_digits(&rest);

    if (digits.len > 0 && (!text_number(digits, RATE_SECONDS_MOST, &times) || times == 0))
        return false;
    times *= worth_of(rest);
    if (times == 0 || times > RATE_SECONDS_MOST)
        return false;
    *out = (struct rate){(unsigned)count, (unsigned)times};
    return true;
}
