/* SPDX-License-Identifier: Apache-2.0
 *
 * Why mail was not delivered, and what would not be if rules on trial were enforced. */
#include "cli/report/html_part.h"

#include "cli/report/markup.h"

#define MOST_BARS 10u
#define MOST_WHO 5u

static const char *reason_of(const struct report_failure *f)
{
    return *f->error ? f->error : *f->category ? f->category : f->status;
}

static void write_bars(FILE *out, const struct report *r)
{
    struct chart_bar bars[MOST_BARS];
    char names[MOST_BARS][200];
    size_t count = r->failures.count < MOST_BARS ? r->failures.count : MOST_BARS;
    const struct chart_bars chart = {.id = "reasons",
                                     .title = "Reasons of failure",
                                     .about = "A bar for each reason, those of TLS in another "
                                              "pattern; the table below has them.",
                                     .look = {LOOK_CLEAR, LOOK_UNKNOWN},
                                     .at = bars,
                                     .count = count,
                                     .whole = r->failures.total};

    for (size_t i = 0; i < count; i++) {
        const struct report_failure *f = &r->failures.at[i];
        bool tls = *f->error;

        snprintf(names[i], sizeof names[i], "%s %s", f->status, reason_of(f));
        bars[i] = (struct chart_bar){names[i], {tls ? f->count : 0, tls ? 0 : f->count}};
    }
    html_figure_open(out, chart.title);
    fputs("<ul class=\"legend\"><li>", out);
    chart_swatch(out, LOOK_CLEAR);
    fputs("Because of TLS</li><li>", out);
    chart_swatch(out, LOOK_UNKNOWN);
    fputs("Other reasons</li></ul>\n", out);
    chart_bars(out, &chart);
    html_figure_close(out);
}

static void write_example(FILE *out, const struct report_failure *f)
{
    fputs("<td class=\"example\"><bdi>", out);
    markup_text(out, f->domain);
    fputs("</bdi>", out);
    if (*f->server) {
        fputs(" at <bdi>", out);
        markup_text(out, f->server);
        fputs("</bdi>", out);
    }
    if (*f->diagnostic) {
        fputs("<br><samp><bdi>", out);
        markup_text(out, f->diagnostic);
        fputs("</bdi></samp>", out);
    }
}

static void write_failures(FILE *out, const struct report *r)
{
    static const struct html_column columns[] = {
        {"Reason", false},  {"Status", false},  {"Count", true}, {"Bounced", true},
        {"Deferred", true}, {"Attempts", true}, {"When", false}, {"The first of them", false},
    };

    html_table_open(out, "Failures by reason", columns, COUNT_OF(columns));
    for (size_t i = 0; i < r->failures.count; i++) {
        const struct report_failure *f = &r->failures.at[i];

        html_row(out, reason_of(f));
        html_cell(out, f->status);
        html_cell_number(out, f->count);
        html_cell_number(out, f->bounced);
        html_cell_number(out, f->deferred);
        html_cell_number(out, f->attempts);
        html_cell_dates(out, f->first, f->last);
        write_example(out, f);
    }
    html_table_close(out);
    if (r->failures.others) {
        fputs("<p class=\"more\">", out);
        markup_number(out, r->failures.others);
        fputs(" failed for other reasons, which are not shown.</p>\n", out);
    }
}

void html_failures(FILE *out, const struct report *r)
{
    html_section_open(out, "failures", "Failures", NULL);
    if (r->failures.count) {
        write_bars(out, r);
        write_failures(out, r);
    } else {
        fputs("<p class=\"nothing\">None.</p>\n", out);
    }
    html_section_close(out);
}

static void write_who(FILE *out, const struct report_tallies *t)
{
    size_t count = t->count < MOST_WHO ? t->count : MOST_WHO;
    uint64_t shown = 0;

    fputs("<td class=\"who\">", out);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", <bdi>" : "<bdi>", out);
        markup_text(out, *t->at[i].name ? t->at[i].name : "none");
        fputs("</bdi>\xc2\xa0(", out);
        markup_number(out, t->at[i].count);
        fputs(")", out);
        shown += t->at[i].count;
    }
    if (shown < t->total) {
        fputs(count ? ", others\xc2\xa0(" : "others\xc2\xa0(", out);
        markup_number(out, t->total - shown);
        fputs(")", out);
    }
}

void html_woulds(FILE *out, const struct report *r)
{
    static const struct html_column columns[] = {
        {"Rule", false}, {"Of mail", false}, {"Section", false}, {"Messages", true}, {"Who", false},
    };

    html_section_open(out, "rules", "Rules on trial",
                      "What would be refused if a rule that only records were enforced.");
    if (r->woulds.count) {
        html_table_open(out, "Would be refused", columns, COUNT_OF(columns));
        for (size_t i = 0; i < r->woulds.count; i++) {
            const struct report_would *w = &r->woulds.at[i];

            html_row(out, w->rule);
            html_cell(out, w->in ? "received" : "sent");
            html_cell(out, w->section);
            html_cell_number(out, w->count);
            write_who(out, &w->who);
        }
        html_table_close(out);
    } else {
        fputs("<p class=\"nothing\">Nothing would be refused.</p>\n", out);
    }
    html_section_close(out);
}
