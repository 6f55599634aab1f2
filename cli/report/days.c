/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/days.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/report/stamp.h"

void days_clear(struct days *d)
{
    free(d->at);
    free(d->number);
    *d = (struct days){.at = NULL};
}

/* Where it is, or belongs. */
static size_t place(const struct days *d, int64_t number)
{
    size_t low = 0, high = d->count;

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (d->number[mid] < number)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool add(struct days *d, size_t at, int64_t number)
{
    struct report_day *days = d->at;
    int64_t *numbers = d->number;
    char text[STAMP_TEXT];

    if (d->count == DAYS_MOST)
        return false;
    if ((d->count & (d->count - 1)) == 0) {
        size_t room = d->count ? 2 * d->count : 1;

        if (!(days = realloc(d->at, room * sizeof *days)))
            return false;
        d->at = days;
        if (!(numbers = realloc(d->number, room * sizeof *numbers)))
            return false;
        d->number = numbers;
    }
    memmove(days + at + 1, days + at, (d->count - at) * sizeof *days);
    memmove(numbers + at + 1, numbers + at, (d->count - at) * sizeof *numbers);
    d->count++;
    numbers[at] = number;
    days[at] = (struct report_day){.bounced = 0};
    snprintf(days[at].date, sizeof days[at].date, "%.10s", stamp_date_text(number, text));
    return true;
}

struct report_day *days_get(struct days *d, int64_t number)
{
    if (d->count > 0 && d->number[d->last] == number)
        return &d->at[d->last];
    d->last = place(d, number);
    if ((d->last == d->count || d->number[d->last] != number) && !add(d, d->last, number)) {
        d->last = 0;
        return NULL;
    }
    return &d->at[d->last];
}

void days_fill(struct days *d)
{
    int64_t first = d->count ? d->number[0] : 0, last = d->count ? d->number[d->count - 1] : 0;

    for (int64_t n = first; last - first < DAYS_MOST && n < last; n++)
        if (!days_get(d, n))
            return;
}
