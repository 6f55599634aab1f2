/* SPDX-License-Identifier: Apache-2.0
 *
 * Columns that stand for days, one above the other's end. */
#include "cli/report/chart.h"

#include "cli/report/markup.h"

#define PLOT 160.0    /* how high the scale's top is */
#define ABOVE 10u     /* room for the upper half of its label */
#define BELOW 38u     /* two lines of dates */
#define LEAST 1.5     /* what is there is seen: one message of a million, too */
#define FEWEST 8u     /* a single column is not as wide as the page */
#define MOST_DATES 6u /* that fit beside each other on a telephone */

struct scale {
    const struct chart_columns *chart;
    uint64_t top, step;
    double slot, left; /* percent of the width: a column with its gap, before the first */
};

static uint64_t column_sum(const struct chart_column *c)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < CHART_PARTS; i++)
        sum += c->part[i];
    return sum;
}

static struct scale scale_for(const struct chart_columns *c)
{
    struct scale s = {.chart = c, .top = 100, .step = 25};
    size_t slots = c->count < FEWEST ? FEWEST : c->count;
    uint64_t most = 1;

    for (size_t i = 0; i < c->count; i++)
        if (column_sum(&c->at[i]) > most)
            most = column_sum(&c->at[i]);
    if (!c->share) {
        s.step = chart_step(most, 5);
        s.top = (most + s.step - 1) / s.step * s.step;
    }
    s.slot = 100.0 / (double)slots;
    s.left = s.slot * (double)(slots - c->count) / 2;
    return s;
}

static void draw_grid(FILE *out, const struct scale *s)
{
    for (uint64_t at = 0; at <= s->top; at += s->step) {
        double y = ABOVE + PLOT - PLOT * (double)at / (double)s->top;

        fprintf(out,
                "<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>"
                "<text class=\"y\" x=\"-8\" y=\"%.1f\">",
                at ? "grid" : "foot", y, y, y + 4);
        markup_short(out, at);
        fputs(s->chart->share ? "\xe2\x80\xaf%</text>\n" : "</text>\n", out);
    }
}

/* How high the parts are; what the smallest are given more than is theirs, the greatest lacks. */
static void heights(const struct scale *s, const struct chart_column *c, double high[CHART_PARTS])
{
    double whole = s->chart->share ? (double)column_sum(c) : (double)s->top, given = 0;
    size_t greatest = 0;

    for (size_t i = 0; i < CHART_PARTS; i++) {
        high[i] = c->part[i] ? PLOT * (double)c->part[i] / whole : 0;
        if (c->part[i] && high[i] < LEAST) {
            given += LEAST - high[i];
            high[i] = LEAST;
        }
        if (high[i] > high[greatest])
            greatest = i;
    }
    if (high[greatest] - given >= LEAST)
        high[greatest] -= given;
}

static void tell_column(FILE *out, const struct chart_columns *chart, const struct chart_column *c)
{
    uint64_t sum = column_sum(c);

    fprintf(out, "<title>%s", c->first);
    if (strcmp(c->first, c->last) != 0)
        fprintf(out, " \xe2\x80\x93 %s", c->last);
    for (size_t i = 0; i < CHART_PARTS; i++)
        if (c->part[i]) {
            fprintf(out, "\n%s: ", chart->parts[i].name);
            markup_number(out, c->part[i]);
            fputs(" (", out);
            markup_share(out, c->part[i], sum);
            fputs(")", out);
        }
    fputs("</title>", out);
}

static void draw_column(FILE *out, const struct scale *s, size_t index)
{
    const struct chart_column *c = &s->chart->at[index];
    double high[CHART_PARTS], y = ABOVE + PLOT;

    if (column_sum(c) == 0)
        return;
    heights(s, c, high);
    fputs("<g class=\"column\">", out);
    tell_column(out, s->chart, c);
    for (size_t i = 0; i < CHART_PARTS; i++)
        if (high[i] > 0) {
            y -= high[i];
            fprintf(out,
                    "<rect class=\"%s\" x=\"%.3f%%\" width=\"%.3f%%\" y=\"%.2f\" height=\"%.2f\"/>",
                    chart_class(s->chart->parts[i].look), s->left + s->slot * ((double)index + 0.1),
                    s->slot * 0.8, y, high[i]);
        }
    fputs("</g>\n", out);
}

/* Month and day below the column that begins with it; the year below where it is a new one. */
static void draw_dates(FILE *out, const struct scale *s)
{
    const struct chart_columns *c = s->chart;
    size_t every = ((size_t)(100 / s->slot + 0.5) + MOST_DATES - 1) / MOST_DATES;
    const char *year = "";

    for (size_t i = 0; i < c->count; i += every) {
        const char *date = c->at[i].first;
        double x = s->left + s->slot * ((double)i + 0.5);
        double y = ABOVE + PLOT + 16;

        fprintf(out, "<text class=\"x\" x=\"%.3f%%\" y=\"%.0f\">%.5s</text>\n", x, y, date + 5);
        if (strncmp(year, date, 4) != 0)
            fprintf(out, "<text class=\"x\" x=\"%.3f%%\" y=\"%.0f\">%.4s</text>\n", x, y + 15,
                    date);
        year = date;
    }
}

void chart_columns(FILE *out, const struct chart_columns *c)
{
    struct scale s = scale_for(c);

    chart_open(out, "columns", ABOVE + (unsigned)PLOT + BELOW, c->id, c->title, c->about);
    draw_grid(out, &s);
    for (size_t i = 0; i < c->count; i++)
        draw_column(out, &s, i);
    draw_dates(out, &s);
    fputs("</svg>\n", out);
}
