/* SPDX-License-Identifier: Apache-2.0 */
#include "times.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

bool times_init(struct times *t, size_t most)
{
    *t = (struct times){.ms = calloc(most + 1, sizeof *t->ms), .most = most};
    return t->ms;
}

void times_note(struct times *t, double since)
{
    if (t->count < t->most)
        t->ms[t->count++] = (float)((clock_mono() - since) * 1000);
}

static int by_time(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return x < y ? -1 : x > y;
}

void times_print(struct times *t, const char *name)
{
    static const int percentiles[] = {50, 90, 99};

    if (t->count == 0)
        return;
    qsort(t->ms, t->count, sizeof *t->ms, by_time);
    for (size_t i = 0; i < COUNT_OF(percentiles); i++)
        printf("%s_p%d_ms=%.3f\n", name, percentiles[i],
               (double)t->ms[t->count * (size_t)percentiles[i] / 100]);
    printf("%s_max_ms=%.3f\n", name, (double)t->ms[t->count - 1]);
}
