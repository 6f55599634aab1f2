/* SPDX-License-Identifier: Apache-2.0
 *
 * Bars that lie below their names. */
#include "cli/report/chart.h"

#include "cli/report/markup.h"

#define ROW 34u
#define LONGEST 28u /* characters of a name; all of it is in the title and in the table */

static uint64_t bar_sum(const struct chart_bar *b)
{
    return b->part[0] + b->part[1];
}

static uint64_t longest(const struct chart_bars *c)
{
    uint64_t most = 1;

    for (size_t i = 0; i < c->count; i++)
        if (bar_sum(&c->at[i]) > most)
            most = bar_sum(&c->at[i]);
    return most;
}

static void draw_words(FILE *out, const struct chart_bars *c, const struct chart_bar *b, unsigned y)
{
    const char *name = *b->name ? b->name : "none";

    fprintf(out, "<text x=\"0\" y=\"%u\"><title>", y + 13);
    markup_text(out, name);
    fputs("</title>", out);
    markup_cut(out, name, LONGEST);
    fprintf(out, "</text><text class=\"value\" x=\"100%%\" y=\"%u\">", y + 13);
    markup_number(out, bar_sum(b));
    if (c->whole) {
        fputs("<tspan class=\"share\" dx=\"8\">", out);
        markup_share(out, bar_sum(b), c->whole);
        fputs("</tspan>", out);
    }
    fputs("</text>\n", out);
}

/* The field behind it is as long as the scale. */
static void draw_bar(FILE *out, const struct chart_bars *c, size_t index, uint64_t scale)
{
    const struct chart_bar *b = &c->at[index];
    unsigned y = (unsigned)index * ROW;
    double x = 0;

    draw_words(out, c, b, y);
    fprintf(out, "<rect class=\"field\" x=\"0\" width=\"100%%\" y=\"%u\" height=\"9\"/>", y + 18);
    for (size_t i = 0; i < 2; i++) {
        double wide = 100.0 * (double)b->part[i] / (double)scale;

        if (b->part[i] == 0)
            continue;
        if (wide < 0.5) /* what is there is seen */
            wide = 0.5;
        fprintf(out, "<rect class=\"%s\" x=\"%.3f%%\" width=\"%.3f%%\" y=\"%u\" height=\"9\"/>",
                chart_class(c->look[i]), x, wide, y + 18);
        x += wide;
    }
    fputs("\n", out);
}

void chart_bars(FILE *out, const struct chart_bars *c)
{
    uint64_t scale = c->whole ? c->whole : longest(c);

    chart_open(out, "bars", (unsigned)c->count * ROW, c->id, c->title, c->about);
    for (size_t i = 0; i < c->count; i++)
        draw_bar(out, c, i, scale);
    fputs("</svg>\n", out);
}
