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

/* Solid, diagonals, dots, level lines, crosses: told apart in grey, too. */
void chart_patterns(FILE *out)
{
    static const struct {
        const char *name;
        unsigned size;
        const char *ink;
    } patterns[] = {
        {"tls", 6, "<path d=\"M-1.5 1.5l3-3M0 6L6 0M4.5 7.5l3-3\"/>"},
        {"clear", 5, "<circle cx=\"2.5\" cy=\"2.5\" r=\"1.1\"/>"},
        {"unknown", 4, "<path d=\"M0 2h4\"/>"},
        {"old", 6,
         "<path d=\"M-1.5 1.5l3-3M0 6L6 0M4.5 7.5l3-3M-1.5 4.5l3 3M0 0L6 6M4.5-1.5l3 3\"/>"},
    };

    fputs("<svg class=\"patterns\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>\n", out);
    for (size_t i = 0; i < COUNT_OF(patterns); i++)
        fprintf(out,
                "<pattern id=\"p-%s\" class=\"ink %s\" width=\"%u\" height=\"%u\""
                " patternUnits=\"userSpaceOnUse\"><rect width=\"%u\" height=\"%u\"/>%s</pattern>\n",
                patterns[i].name, patterns[i].name, patterns[i].size, patterns[i].size,
                patterns[i].size, patterns[i].size, patterns[i].ink);
    fputs("</defs></svg>\n", out);
}

void chart_swatch(FILE *out, enum look look)
{
    fprintf(out,
            "<svg class=\"swatch\" width=\"20\" height=\"12\" aria-hidden=\"true\">"
            "<rect class=\"%s\" width=\"20\" height=\"12\"/></svg>",
            chart_class(look));
}
