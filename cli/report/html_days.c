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
static const struct chart_part unjudged_parts[CHART_PARTS] = {
    {LOOK_VERIFIED, "TLS, verified"},
    {LOOK_TLS, "TLS, certificate not recorded"},
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
    const char *name, *caption, *share_id, *count_id;
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
    size_t lacks = (merged - r->day_count % merged) % merged; /* days of the first column */

    for (size_t i = 0; i < r->day_count; i++) {
        struct chart_column *c = &columns[(i + lacks) / merged];
        const struct report_way *way = way_of(&r->days[i], in);

        if (i == 0 || (i + lacks) % merged == 0) {
            *c = (struct chart_column){0};
            memcpy(c->first, r->days[i].date, sizeof c->first);
            count++;
        }
        memcpy(c->last, r->days[i].date, sizeof c->last);
        c->part[0] += way->verified;
        c->part[1] += way->tls - way->verified;
        c->part[2] += way->clear;
        c->part[3] += way->unknown;
    }
    return count;
}

static void write_legend(FILE *out, const struct chart_part *parts, const struct report_way *way)
{
    bool judged = report_is_judged(way);

    fputs("<ul class=\"legend\">\n", out);
    for (size_t i = 0; i < CHART_PARTS; i++)
        if (parts[i].look == LOOK_UNKNOWN ? way->unknown != 0
                                          : parts[i].look != LOOK_VERIFIED || judged) {
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
    const struct chart_part *parts = report_is_judged(way) ? d->parts : unjudged_parts;
    size_t merged = days_a_column(r->day_count);
    char title[80], about[200];

    snprintf(title, sizeof title, "%s, %s", d->name, share ? "shares" : "messages");
    snprintf(about, sizeof about,
             "%zu columns of %zu %s each, from %s to %s: in TLS with the other side verified, in "
             "TLS, in the clear. The figures are in the tables by day.",
             (r->day_count + merged - 1) / merged, merged, merged == 1 ? "day" : "days",
             r->days[0].date, r->days[r->day_count - 1].date);

    struct chart_columns chart = {.id = share ? d->share_id : d->count_id,
                                  .title = title,
                                  .about = about,
                                  .parts = parts,
                                  .at = columns,
                                  .count = fill_columns(r, d->in, columns),
                                  .share = share};

    html_figure_open(out, title);
    write_legend(out, parts, way);
    chart_columns(out, &chart);
    html_figure_close(out);
}

static void write_sent(FILE *out, const struct report_day *day)
{
    html_cell_number(out, day->bounced);
    html_cell_number(out, day->deferred);
}

static void write_table(FILE *out, const struct report *r, const struct direction *d)
{
    static const struct html_column columns[] = {
        {"Day", false},     {"Messages", true}, {"In TLS", true},       {"Share", true},
        {"Verified", true}, {"Old TLS", true},  {"In the clear", true}, {"Not recorded", true},
        {"Bounced", true},  {"Deferred", true},
    };

    html_table_open(out, d->caption, columns, COUNT_OF(columns) - (d->in ? 2 : 0));
    for (size_t i = 0; i < r->day_count; i++) {
        const struct report_way *way = way_of(&r->days[i], d->in);

        html_row(out, r->days[i].date);
        html_cell_number(out, way->messages);
        html_cell_number(out, way->tls);
        html_cell_share(out, way->tls, report_known(way));
        html_cell_number(out, way->verified);
        html_cell_number(out, way->old);
        html_cell_number(out, way->clear);
        html_cell_number(out, way->unknown);
        if (!d->in)
            write_sent(out, &r->days[i]);
    }
    html_table_close(out);
}

static bool has_mail(const struct report *r, const struct direction *d)
{
    return d->in ? r->in.way.messages != 0
                 : r->out.way.messages != 0 || r->bounced != 0 || r->deferred != 0;
}

/* Both ways, or what there is of them. */
static void write_ways(FILE *out, const struct report *r)
{
    static const struct direction directions[] = {
        {"Sent", "Sent by day", "sentShare", "sentCount", sent_parts, false},
        {"Received", "Received by day", "receivedShare", "receivedCount", received_parts, true},
    };

    fputs("<div class=\"pair\">\n", out);
    for (size_t i = 0; i < COUNT_OF(directions); i++)
        if (has_mail(r, &directions[i])) {
            write_picture(out, r, &directions[i], true);
            write_picture(out, r, &directions[i], false);
        }
    fputs("</div>\n", out);
    html_figures_open(out, "The figures of each day");
    for (size_t i = 0; i < COUNT_OF(directions); i++)
        if (has_mail(r, &directions[i]))
            write_table(out, r, &directions[i]);
    html_figures_close(out);
}

void html_days(FILE *out, const struct report *r)
{
    html_section_open(out, "days", "By day",
                      days_a_column(r->day_count) == 1
                          ? NULL
                          : "The days are many: a column is several of them, from the date below "
                            "it on; the first may be fewer. The tables have each.");
    if (r->day_count)
        write_ways(out, r);
    else
        fputs("<p class=\"nothing\">No days.</p>\n", out);
    html_section_close(out);
}
