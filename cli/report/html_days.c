/* SPDX-License-Identifier: Apache-2.0
 *
 * Both ways by day: pictures of days, or of weeks where they are many, and a table of each day. */
#include "cli/report/html_part.h"

#include "cli/report/markup.h"

#define MOST_COLUMNS 62u

/* clang-format off */
static const struct chart_part sent_parts[CHART_PARTS] = {
    {LOOK_VERIFIED, "TLS, server verified"},
    {LOOK_TLS, "TLS, not verified"},
    {LOOK_CLEAR, "In the clear"},
    {LOOK_UNKNOWN, "Not recorded"},
};
static const struct chart_part received_parts[CHART_PARTS] = {
    {LOOK_VERIFIED, "TLS, client verified"},
    {LOOK_TLS, "TLS"},
    {LOOK_CLEAR, "In the clear"},
    {LOOK_UNKNOWN, "Not recorded"},
};
/* clang-format on */

struct direction {
    const char *name, *share_id, *count_id;
    const struct chart_part *parts;
    bool in;
};

static const struct report_way *way_of(const struct report_day *day, bool in)
{
    return in ? &day->in : &day->out;
}

/* So many days are a column: one, or whole weeks. */
static size_t days_a_column(size_t days)
{
    if (days <= MOST_COLUMNS)
        return 1;

    size_t weeks = (days + 7 * MOST_COLUMNS - 1) / (7 * MOST_COLUMNS);

    return weeks * 7;
}

static size_t fill_columns(const struct report *r, bool in, struct chart_column *columns)
{
    size_t merged = days_a_column(r->day_count), count = 0;

    for (size_t i = 0; i < r->day_count; i++) {
        struct chart_column *c = &columns[i / merged];
        const struct report_way *way = way_of(&r->days[i], in);

        if (i % merged == 0) {
            *c = (struct chart_column){0};
            memcpy(c->first, r->days[i].date, sizeof c->first);
            count++;
        }
        memcpy(c->last, r->days[i].date, sizeof c->last);
        c->part[0] += way->verified;
        c->part[1] += way->unverified;
        c->part[2] += way->clear;
        c->part[3] += way->unknown;
    }
    return count;
}

static void write_legend(FILE *out, const struct chart_part *parts, bool unknown)
{
    fputs("<ul class=\"legend\">\n", out);
    for (size_t i = 0; i < CHART_PARTS; i++)
        if (parts[i].look != LOOK_UNKNOWN || unknown) {
            fputs("<li>", out);
            chart_swatch(out, parts[i].look);
            fprintf(out, "%s</li>\n", parts[i].name);
        }
    fputs("</ul>\n", out);
}

static void write_picture(FILE *out, const struct report *r, const struct direction *d, bool share)
{
    struct chart_column columns[MOST_COLUMNS];
    const struct report_way *way = d->in ? &r->in.way : &r->out.way;
    size_t merged = days_a_column(r->day_count);
    char title[80], about[200];

    snprintf(title, sizeof title, "%s, %s", d->name, share ? "shares" : "messages");
    snprintf(
        about, sizeof about,
        "Columns for %zu %s of %zu days from %s to %s: in TLS with the other side verified, in "
        "TLS, in the clear. The figures are in the table by day.",
        (r->day_count + merged - 1) / merged, merged == 1 ? "days" : "spans",
        merged == 1 ? r->day_count : merged, r->days[0].date, r->days[r->day_count - 1].date);

    struct chart_columns chart = {.id = share ? d->share_id : d->count_id,
                                  .title = title,
                                  .about = about,
                                  .parts = d->parts,
                                  .at = columns,
                                  .count = fill_columns(r, d->in, columns),
                                  .share = share};

    html_figure_open(out, title);
    write_legend(out, d->parts, way->unknown != 0);
    chart_columns(out, &chart);
    html_figure_close(out);
}

static void write_table(FILE *out, const struct report *r)
{
    static const struct html_column columns[] = {
        {"Day", false},     {"Sent", true},     {"in TLS", true}, {"verified", true},
        {"clear", true},    {"old TLS", true},  {"share", true},  {"Bounced", true},
        {"Deferred", true}, {"Received", true}, {"in TLS", true}, {"verified", true},
        {"clear", true},    {"old TLS", true},  {"share", true},
    };

    html_figures_open(out, "The figures of each day");
    html_table_open(out, "Messages by day", columns, COUNT_OF(columns));
    for (size_t i = 0; i < r->day_count; i++) {
        const struct report_day *day = &r->days[i];

        html_row(out, day->date);
        for (int in = 0; in < 2; in++) {
            const struct report_way *way = way_of(day, in);

            html_cell_number(out, way->messages);
            html_cell_number(out, way->tls);
            html_cell_number(out, way->verified);
            html_cell_number(out, way->clear);
            html_cell_number(out, way->old);
            html_cell_share(out, way->tls, way->messages);
            if (!in) {
                html_cell_number(out, day->bounced);
                html_cell_number(out, day->deferred);
            }
        }
    }
    html_table_close(out);
    html_figures_close(out);
}

void html_days(FILE *out, const struct report *r)
{
    static const struct direction directions[] = {
        {"Sent", "sentShare", "sentCount", sent_parts, false},
        {"Received", "receivedShare", "receivedCount", received_parts, true},
    };

    html_section_open(out, "days", "By day",
                      days_a_column(r->day_count) == 1
                          ? NULL
                          : "The days are many: a column is several of them, from the date below "
                            "it on. The table has each.");
    if (r->day_count == 0) {
        fputs("<p class=\"nothing\">No days.</p>\n", out);
    } else {
        fputs("<div class=\"pair\">\n", out);
        for (size_t i = 0; i < COUNT_OF(directions); i++) {
            const struct report_way *way = directions[i].in ? &r->in.way : &r->out.way;

            if (way->messages == 0)
                continue;
            write_picture(out, r, &directions[i], true);
            write_picture(out, r, &directions[i], false);
        }
        fputs("</div>\n", out);
        write_table(out, r);
    }
    html_section_close(out);
}
