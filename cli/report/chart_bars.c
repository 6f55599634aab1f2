/* SPDX-License-Identifier: Apache-2.0
 *
 * Bars that lie below their names. */
#include "cli/report/chart.h"

#include "cli/report/markup.h"

#define ROW 34u
#define LEAST 0.5 /* percent of the width: what is there is seen */
/* Characters of a name, in a narrow picture and in a wide one; all of it is in the table. */
#define NARROW 30u
#define WIDE 72u

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

/* The style sheet shows what fits: a name that is too long is there twice. */
static void draw_name(FILE *out, const char *name, unsigned y)
{
    bool cut = markup_is_long(name, NARROW);

    fprintf(out, "<text class=\"%s\" y=\"%u\"><title>", cut ? "name in-wide" : "name", y);
    markup_text(out, name);
    fputs("</title>", out);
    markup_cut(out, name, WIDE);
    fputs("</text>", out);
    if (!cut)
        return;
    fprintf(out, "<text class=\"name in-narrow\" y=\"%u\">", y);
    markup_cut(out, name, NARROW);
    fputs("</text>", out);
}

/* In a narrow picture the share alone, or a short number. */
static void draw_value(FILE *out, uint64_t value, uint64_t whole, unsigned y)
{
    fprintf(out, "<text class=\"value\" x=\"100%%\" y=\"%u\"><tspan class=\"in-wide\">", y);
    markup_number(out, value);
    if (whole) {
        fputs("\xc2\xa0\xc2\xa0</tspan><tspan class=\"share\">", out);
        markup_share(out, value, whole);
    } else {
        fputs("</tspan><tspan class=\"in-narrow\">", out);
        markup_short(out, value);
    }
    fputs("</tspan></text>\n", out);
}

/* The field behind it is as long as the scale. */
static void draw_bar(FILE *out, const struct chart_bars *c, size_t index, uint64_t scale)
{
    const struct chart_bar *b = &c->at[index];
    unsigned y = (unsigned)index * ROW;
    double x = 0;

    draw_name(out, *b->name ? b->name : "none", y + 13);
    draw_value(out, bar_sum(b), c->whole, y + 13);
    fprintf(out, "<rect class=\"field\" x=\"0\" width=\"100%%\" y=\"%u\" height=\"9\"/>", y + 18);
    for (size_t i = 0; i < 2; i++) {
        double wide = 100.0 * (double)b->part[i] / (double)scale;

        if (b->part[i] == 0)
            continue;
        if (wide < LEAST)
            wide = LEAST;
        if (x + wide > 100)
            x = 100 - wide;
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
