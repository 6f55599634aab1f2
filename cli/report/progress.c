/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/progress.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

/* Short runs show nothing. */
#define FIRST 0.7
#define STEP 0.2
enum { BAR = 24, MEGA = 1000000 };

void progress_begin(struct progress *p, FILE *out, uint64_t total)
{
    const char *kind = getenv("TERM");
    bool seen = isatty(fileno(out)) && kind && strcmp(kind, "dumb") != 0;

    *p = (struct progress){.out = seen ? out : NULL, .total = total, .begun = clock_mono()};
    p->shown = p->begun + FIRST - STEP;
}

static void show(const struct progress *p, uint64_t bytes, double spent)
{
    double rate = (double)bytes / spent, done = p->total ? (double)bytes / (double)p->total : 0;
    char bar[BAR + 1];

    if (!p->total) {
        fprintf(p->out, "\r\033[K%.0f MB, %.0f MB/s", (double)bytes / MEGA, rate / MEGA);
        return;
    }
    if (done > 1)
        done = 1;
    for (int i = 0; i < BAR; i++)
        bar[i] = i < (int)(done * BAR) ? '=' : ' ';
    bar[BAR] = '\0';
    fprintf(p->out, "\r\033[K[%s] %3.0f %% of %.0f MB, %.0f MB/s, %.0f s left", bar, done * 100,
            (double)p->total / MEGA, rate / MEGA,
            rate > 0 && p->total > bytes ? (double)(p->total - bytes) / rate : 0);
}

void progress_show(struct progress *p, uint64_t bytes)
{
    double now = p->out ? clock_mono() : 0;

    if (!p->out || now < p->shown + STEP)
        return;
    p->shown = now;
    p->any = true;
    show(p, bytes, now - p->begun);
    fflush(p->out);
}

void progress_end(struct progress *p)
{
    if (p->any)
        fputs("\r\033[K", p->out);
    if (p->any)
        fflush(p->out);
    p->any = false;
}
