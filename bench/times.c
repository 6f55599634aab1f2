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
    if (t->count == 0)
        return;
    qsort(t->ms, t->count, sizeof *t->ms, by_time);
    printf("%s_p50_ms=%.3f\n%s_p99_ms=%.3f\n%s_max_ms=%.3f\n", name, (double)t->ms[t->count / 2],
           name, (double)t->ms[t->count * 99 / 100], name, (double)t->ms[t->count - 1]);
}
