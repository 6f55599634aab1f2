/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has mail in the clear or in old TLS: domains and clients. */
#include "cli/report/html_part.h"

#include "cli/report/markup.h"

#define MOST_BARS 12u

struct side {
    const char *id, *chart, *heading, *about, *caption, *table, *column, *nothing;
    const struct report_weaks *weaks;
    bool called; /* with the names that clients gave */
};

static void write_bars(FILE *out, const struct side *s)
{
    struct chart_bar bars[MOST_BARS];
    size_t count = s->weaks->count < MOST_BARS ? s->weaks->count : MOST_BARS;
    char about[120];
    const struct chart_bars chart = {.id = s->chart,
                                     .title = s->caption,
                                     .about = about,
                                     .look = {LOOK_CLEAR, LOOK_OLD},
                                     .at = bars,
                                     .count = count};

    for (size_t i = 0; i < count; i++) {
        const struct report_weak *w = &s->weaks->at[i];

        bars[i] = (struct chart_bar){w->name, {w->clear, w->old}};
    }
    snprintf(about, sizeof about, "The %zu with the most of it, a bar each; the table has all.",
             count);
    html_figure_open(out, s->caption);
    fputs("<ul class=\"legend\"><li>", out);
    chart_swatch(out, LOOK_CLEAR);
    fputs("In the clear</li><li>", out);
    chart_swatch(out, LOOK_OLD);
    fputs("TLS older than 1.2</li></ul>\n", out);
    chart_bars(out, &chart);
    html_figure_close(out);
}

static void write_table(FILE *out, const struct side *s)
{
    const struct html_column columns[] = {
        {s->column, false}, {"Messages", true}, {"In the clear", true},       {"Share", true},
        {"Old TLS", true},  {"Oldest", false},  {"For the last time", false}, {"Says it is", false},
    };

    html_table_open(out, s->table, columns, COUNT_OF(columns) - !s->called);
    for (size_t i = 0; i < s->weaks->count; i++) {
        const struct report_weak *w = &s->weaks->at[i];

        html_row(out, w->name);
        html_cell_number(out, w->messages);
        html_cell_number(out, w->clear);
        html_cell_share(out, w->clear, w->messages);
        html_cell_number(out, w->old);
        html_cell(out, w->oldest);
        html_cell_dates(out, w->last, w->last);
        if (s->called)
            html_cell(out, w->called);
    }
    html_table_close(out);
}

static void write_rest(FILE *out, const struct report_weaks *w)
{
    if (w->known > w->count) {
        fputs("<p class=\"more\">", out);
        markup_number(out, w->known - w->count);
        fputs(" more are not shown; <code>--top</code> says how many are.</p>\n", out);
    }
    if (w->approximate)
        fputs("<p class=\"more\">There were too many to count each: small ones may be missing, and "
              "counts are the least that was seen.</p>\n",
              out);
}

static void write_side(FILE *out, const struct side *s)
{
    html_section_open(out, s->id, s->heading, s->weaks->count ? s->about : NULL);
    if (s->weaks->count) {
        write_bars(out, s);
        write_table(out, s);
        write_rest(out, s->weaks);
    } else {
        fprintf(out, "<p class=\"nothing\">%s</p>\n", s->nothing);
    }
    html_section_close(out);
}

void html_domains(FILE *out, const struct report *r)
{
    write_side(out, &(struct side){.id = "domains",
                                   .chart = "weakDomains",
                                   .heading = "Domains without TLS or with old TLS",
                                   .about = "Where mail of ours can be read on its way.",
                                   .caption = "Most mail in the clear or in old TLS, by domain",
                                   .table = "By domain",
                                   .column = "Domain",
                                   .nothing = "None.",
                                   .weaks = &r->domains});
}

void html_clients(FILE *out, const struct report *r)
{
    write_side(out, &(struct side){.id = "clients",
                                   .chart = "weakClients",
                                   .heading = "Clients without TLS or with old TLS",
                                   .about = "Who sends to us so that others can read it.",
                                   .caption = "Most mail in the clear or in old TLS, by client",
                                   .table = "By client",
                                   .column = "Address",
                                   .nothing = "None.",
                                   .weaks = &r->clients,
                                   .called = true});
}
