/* SPDX-License-Identifier: Apache-2.0
 *
 * How mail went: protocols, ciphers and what else has a name and a count. */
#include "cli/report/html_part.h"

#include "cli/report/markup.h"

#define MOST_BARS 8u

struct kind {
    const char *id, *heading, *column;
    const struct report_tallies *tallies;
};

/* The greatest, and in one bar all that are not among them. */
static size_t fill_bars(const struct report_tallies *t, struct chart_bar bars[MOST_BARS])
{
    size_t count = t->count <= MOST_BARS && t->others == 0 ? t->count : MOST_BARS - 1;
    uint64_t shown = 0;

    if (count > t->count)
        count = t->count;
    for (size_t i = 0; i < count; i++) {
        bars[i] = (struct chart_bar){t->at[i].name, {t->at[i].count, 0}};
        shown += t->at[i].count;
    }
    if (count < t->count || t->others)
        bars[count++] = (struct chart_bar){"others", {t->total - shown, 0}};
    return count;
}

static void write_table(FILE *out, const struct kind *k)
{
    const struct html_column columns[] = {{k->column, false}, {"Messages", true}, {"Share", true}};
    const struct report_tallies *t = k->tallies;

    html_figures_open(out, "Figures");
    html_table_open(out, k->heading, columns, COUNT_OF(columns));
    for (size_t i = 0; i < t->count; i++) {
        html_row(out, t->at[i].name);
        html_cell_number(out, t->at[i].count);
        html_cell_share(out, t->at[i].count, t->total);
    }
    if (t->others) {
        html_row(out, "others");
        html_cell_number(out, t->others);
        html_cell_share(out, t->others, t->total);
    }
    html_table_close(out);
    html_figures_close(out);
}

static void write_kind(FILE *out, const struct kind *k)
{
    struct chart_bar bars[MOST_BARS];
    char about[120];
    const struct chart_bars chart = {.id = k->id,
                                     .title = k->heading,
                                     .about = about,
                                     .look = {LOOK_VERIFIED, LOOK_TLS},
                                     .at = bars,
                                     .count = fill_bars(k->tallies, bars),
                                     .whole = k->tallies->total};

    snprintf(about, sizeof about, "A bar for each of %zu, the greatest first; the table has them.",
             chart.count);
    html_figure_open(out, k->heading);
    chart_bars(out, &chart);
    write_table(out, k);
    html_figure_close(out);
}

/* Only what has something to show: what was missing stands in its own section. */
static void write_kinds(FILE *out, const struct kind *kinds, size_t count)
{
    bool any = false;

    for (size_t i = 0; i < count; i++)
        any |= kinds[i].tallies->total != 0;
    if (!any) {
        fputs("<p class=\"nothing\">Nothing to show.</p>\n", out);
        return;
    }
    fputs("<div class=\"cards\">\n", out);
    for (size_t i = 0; i < count; i++)
        if (kinds[i].tallies->total)
            write_kind(out, &kinds[i]);
    fputs("</div>\n", out);
}

void html_kinds(FILE *out, const struct report *r)
{
    const struct kind sent[] = {
        {"outProtocols", "Protocols of mail sent", "Protocol", &r->out.protocols},
        {"outVerify", "Servers' certificates", "Verified", &r->out.verify},
        {"outCiphers", "Ciphers of mail sent", "Cipher", &r->out.ciphers},
        {"outGroups", "Key exchange of mail sent", "Group", &r->out.groups},
        {"outPolicies", "Policies", "Policy", &r->out.policies},
        {"outResults", "What became of policies", "Result", &r->out.policy_results},
    };
    const struct kind received[] = {
        {"inProtocols", "Protocols of mail received", "Protocol", &r->in.protocols},
        {"inVerify", "Clients' certificates", "Verified", &r->in.verify},
        {"inCiphers", "Ciphers of mail received", "Cipher", &r->in.ciphers},
        {"inGroups", "Key exchange of mail received", "Group", &r->in.groups},
    };

    html_section_open(out, "sent", "Sent", NULL);
    write_kinds(out, sent, COUNT_OF(sent));
    html_section_close(out);
    html_section_open(out, "received", "Received", NULL);
    write_kinds(out, received, COUNT_OF(received));
    html_section_close(out);
}
