/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/html_part.h"

#include "cli/report/markup.h"
#include "cli/report/stamp.h"

void html_section_open(FILE *out, const char *id, const char *heading, const char *about)
{
    fprintf(out, "<section id=\"%s\" aria-labelledby=\"%s-h\">\n<h2 id=\"%s-h\">%s</h2>\n", id, id,
            id, heading);
    if (about)
        fprintf(out, "<p class=\"about\">%s</p>\n", about);
}

void html_section_close(FILE *out)
{
    fputs("</section>\n", out);
}

void html_table_open(FILE *out, const char *caption, const struct html_column *columns,
                     size_t count)
{
    fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"", out);
    markup_text(out, caption);
    fputs("\">\n<table>\n<caption>", out);
    markup_text(out, caption);
    fputs("</caption>\n<thead><tr>", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "<th scope=\"col\"%s>%s</th>", columns[i].number ? " class=\"number\"" : "",
                columns[i].title);
    fputs("</tr></thead>\n<tbody>\n", out);
}

void html_table_close(FILE *out)
{
    fputs("</tbody>\n</table>\n</div>\n", out);
}

/* The end tags of rows and cells may be left out (HTML, 13.1.2.4). */
void html_row(FILE *out, const char *heading)
{
    fputs("<tr><th scope=\"row\">", out);
    if (*heading)
        markup_text(out, heading);
    else
        fputs("<span class=\"none\">none</span>", out);
}

void html_cell(FILE *out, const char *text)
{
    fputs("<td>", out);
    markup_text(out, text);
}

void html_cell_number(FILE *out, uint64_t number)
{
    fputs(number ? "<td class=\"number\">" : "<td class=\"number zero\">", out);
    markup_number(out, number);
}

void html_cell_share(FILE *out, uint64_t part, uint64_t whole)
{
    fputs(part ? "<td class=\"number\">" : "<td class=\"number zero\">", out);
    markup_share(out, part, whole);
}

void html_cell_dates(FILE *out, time_t first, time_t last)
{
    fputs("<td class=\"date\">", out);
    if (first)
        html_date(out, first);
    if (last / STAMP_DAY != first / STAMP_DAY) {
        fputs(first ? " \xe2\x80\x93 " : "", out);
        html_date(out, last);
    }
}

void html_figures_open(FILE *out, const char *summary)
{
    fprintf(out, "<details>\n<summary>%s</summary>\n", summary);
}

void html_figures_close(FILE *out)
{
    fputs("</details>\n", out);
}

void html_figure_open(FILE *out, const char *heading)
{
    fprintf(out, "<div class=\"figure\">\n<h3>%s</h3>\n", heading);
}

void html_figure_close(FILE *out)
{
    fputs("</div>\n", out);
}

void html_date(FILE *out, time_t at)
{
    struct tm tm;
    char day[40];

    if (gmtime_r(&at, &tm) && strftime(day, sizeof day, "%F", &tm))
        fprintf(out, "<time>%s</time>", day);
}

void html_moment(FILE *out, time_t at)
{
    struct tm tm;
    char machine[40], people[40];

    if (gmtime_r(&at, &tm) && strftime(machine, sizeof machine, "%FT%TZ", &tm) &&
        strftime(people, sizeof people, "%F %H:%M\xc2\xa0UTC", &tm))
        fprintf(out, "<time datetime=\"%s\">%s</time>", machine, people);
}

uint64_t html_tls_failures(const struct report *r)
{
    uint64_t count = 0;

    for (size_t i = 0; i < r->failures.count; i++)
        if (*r->failures.at[i].error)
            count += r->failures.at[i].count;
    return count;
}
