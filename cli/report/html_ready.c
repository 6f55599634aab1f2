/* SPDX-License-Identifier: Apache-2.0
 *
 * Domains of which verified TLS can be required, with what goes into the configuration. */
#include "cli/report/html_part.h"

#include "cli/report/markup.h"

static void write_sections(FILE *out, const struct report_readies *readies)
{
    fputs("<h3 id=\"sections-h\">For the configuration</h3>\n"
          "<pre class=\"sections\" tabindex=\"0\" role=\"region\" aria-labelledby=\"sections-h\">"
          "<code>",
          out);
    for (size_t i = 0; i < readies->count; i++) {
        if (i)
            fputs("\n", out);
        markup_lines(out, readies->at[i].section);
    }
    fputs("</code></pre>\n", out);
}

static void write_table(FILE *out, const struct report_readies *readies)
{
    static const struct html_column columns[] = {
        {"Domain", false}, {"Messages", true}, {"Seen", false}};

    html_table_open(out, "Verified TLS in every delivery", columns, COUNT_OF(columns));
    for (size_t i = 0; i < readies->count; i++) {
        html_row(out, readies->at[i].name);
        html_cell_number(out, readies->at[i].messages);
        html_cell_dates(out, readies->at[i].first, readies->at[i].last);
    }
    html_table_close(out);
}

static void write_about(FILE *out, const struct report_readies *readies)
{
    fputs("<p class=\"about\">Every delivery of at least ", out);
    markup_count(out, readies->days, "day");
    fputs(" and ", out);
    markup_count(out, readies->messages, "message");
    fputs(" was in TLS, to a server whose certificate holds.</p>\n", out);
}

void html_readies(FILE *out, const struct report *r)
{
    const struct report_readies *readies = &r->readies;

    html_section_open(out, "ready", "Ready to require", NULL);
    write_about(out, readies);
    if (readies->count) {
        write_table(out, readies);
        write_sections(out, readies);
    } else {
        fprintf(out, "<p class=\"nothing\">%s</p>\n",
                readies->judged
                    ? "None yet."
                    : "This cannot be told: the time is too short, or columns are missing.");
    }
    if (readies->known > readies->count) {
        fputs("<p class=\"more\">", out);
        markup_number(out, readies->known - readies->count);
        fputs(" more are not shown; <code>--top</code> says how many are.</p>\n", out);
    }
    html_section_close(out);
}
