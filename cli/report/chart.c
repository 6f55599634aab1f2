/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/chart.h"

#include "cli/report/markup.h"

uint64_t chart_step(uint64_t top, unsigned most)
{
    static const uint64_t round[] = {1, 2, 5};
    uint64_t least = top / most + (top % most != 0), power = 1;

    for (; power < 1000000000000000000; power *= 10)
        for (size_t i = 0; i < COUNT_OF(round); i++)
            if (power * round[i] >= least)
                return power * round[i];
    return power * 5;
}

const char *chart_class(enum look look)
{
    static const char *const classes[LOOK_COUNT] = {
        [LOOK_VERIFIED] = "verified", [LOOK_TLS] = "tls", [LOOK_CLEAR] = "clear",
        [LOOK_UNKNOWN] = "unknown",   [LOOK_OLD] = "old",
    };

    return classes[look];
}

void chart_open(FILE *out, const char *kind, unsigned height, const char *id, const char *title,
                const char *about)
{
    fprintf(out,
            "<svg class=\"chart %s\" id=\"%s\" height=\"%u\" role=\"img\""
            " aria-labelledby=\"%s-t\" aria-describedby=\"%s-d\">\n<title id=\"%s-t\">",
            kind, id, height, id, id, id);
    markup_text(out, title);
    fprintf(out, "</title>\n<desc id=\"%s-d\">", id);
    markup_text(out, about);
    fputs("</desc>\n", out);
}

/* Stripes of different ways and widths, told apart in grey, too. They are repeated gradients:
 * with a <pattern> for each rectangle a browser takes ten times as long to print, and the file is
 * five times as long. */
void chart_patterns(FILE *out)
{
    static const struct {
        enum look look;
        int from, x, y; /* from one stripe to the next; all of a picture lies on their one side */
        const char *line;
    } stripes[] = {
        {LOOK_TLS, 0, 3, 3, ".7"},
        {LOOK_CLEAR, 4000, 3998, 2, ".55"},
        {LOOK_UNKNOWN, 0, 0, 4, ".7"},
        {LOOK_OLD, 0, 4, 0, ".6"},
    };

    fputs("<svg class=\"patterns\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>\n", out);
    for (size_t i = 0; i < COUNT_OF(stripes); i++) {
        const char *name = chart_class(stripes[i].look), *line = stripes[i].line;

        fprintf(out,
                "<linearGradient id=\"p-%s\" class=\"ink %s\" gradientUnits=\"userSpaceOnUse\""
                " spreadMethod=\"repeat\" x1=\"%d\" y1=\"0\" x2=\"%d\" y2=\"%d\">"
                "<stop offset=\"0\"/><stop offset=\"%s\"/>"
                "<stop class=\"line\" offset=\"%s\"/><stop class=\"line\" offset=\"1\"/>"
                "</linearGradient>\n",
                name, name, stripes[i].from, stripes[i].x, stripes[i].y, line, line);
    }
    fputs("</defs></svg>\n", out);
}

void chart_swatch(FILE *out, enum look look)
{
    fprintf(out,
            "<svg class=\"swatch\" width=\"20\" height=\"12\" aria-hidden=\"true\">"
            "<rect class=\"%s\" width=\"20\" height=\"12\"/></svg>",
            chart_class(look));
}
