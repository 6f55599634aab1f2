/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/text.h"

#include <inttypes.h>
#include <stdarg.h>

#include "cli/report/markup.h"
#include "cli/report/stamp.h"

enum { NUMBER = 32, NAME = 34, BAR = 24, DAY_BAR = 18, COLUMNS = 80, BEHIND = 15, TEXT = 4600 };

struct page {
    const struct report *r;
    FILE *out;
    bool blocks;
};

/* "1,234,567". `to` comes back. */
static const char *number(uint64_t n, char to[NUMBER])
{
    char digits[NUMBER];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, n);
    char *at = to;

    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            *at++ = ',';
        *at++ = digits[i];
    }
    *at = '\0';
    return to;
}

/* "95.2 %"; "-" of nothing. */
static const char *share(uint64_t part, uint64_t whole, char to[NUMBER])
{
    unsigned tenths = markup_tenths(part, whole);

    if (whole)
        (void)snprintf(to, NUMBER, "%u.%u %%", tenths / 10, tenths % 10);
    else
        (void)snprintf(to, NUMBER, "-");
    return to;
}

static void bar(const struct page *p, uint64_t part, uint64_t whole, int most)
{
    int full = whole ? (int)((double)part / (double)whole * most + 0.5) : 0;

    if (full == 0 && part > 0)
        full = 1;
    for (int i = 0; i < most && i < full; i++)
        fputs(p->blocks ? "\xe2\x96\x88" : "#", p->out);
}

static void heading(const struct page *p, const char *text)
{
    fprintf(p->out, "\n%s\n", text);
}

/* How many columns: bytes that begin a character. */
static int width(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += (*text & 0xc0) != 0x80;
    return n;
}

/* A name in a column, on a line of its own if it is longer. */
static void name_column(const struct page *p, const char *name, int columns)
{
    const char *text = *name ? name : "none";
    int used = width(text);

    if (used > columns)
        fprintf(p->out, "  %s\n  %*s", text, columns, "");
    else
        fprintf(p->out, "  %s%*s", text, columns - used, "");
}

/* On lines of 80 columns behind an indent, broken at spaces; a word may be longer. */
static void wrap(const struct page *p, int indent, const char *text)
{
    struct span rest = span_of(text);
    int column = 0;

    while (rest.len > 0) {
        struct span word = span_cut(&rest, ' ');
        char copy[TEXT];
        int columns;

        (void)snprintf(copy, sizeof copy, "%.*s", SPAN_ARG(word));
        columns = width(copy);
        if (column && column + 1 + columns > COLUMNS) {
            putc('\n', p->out);
            column = 0;
        }
        column += fprintf(p->out, "%*s", column ? 1 : indent, "") + columns;
        fputs(copy, p->out);
    }
    putc('\n', p->out);
}

static void wrapf(const struct page *p, int indent, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void wrapf(const struct page *p, int indent, const char *fmt, ...)
{
    char text[TEXT];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    wrap(p, indent, text);
}

static void print_tallies(const struct page *p, const char *title, const struct report_tallies *t)
{
    char n[NUMBER], s[NUMBER];

    if (!t->total)
        return;
    heading(p, title);
    for (size_t i = 0; i < t->count; i++) {
        name_column(p, t->at[i].name, NAME);
        fprintf(p->out, " %11s %8s  ", number(t->at[i].count, n),
                share(t->at[i].count, t->total, s));
        bar(p, t->at[i].count, t->total, BAR - 4);
        putc('\n', p->out);
    }
    if (t->others)
        fprintf(p->out, "  %-*s %11s %8s\n", NAME, "(others)", number(t->others, n),
                share(t->others, t->total, s));
}

static const char *range(const struct report *r, char to[2 * STAMP_TEXT])
{
    char first[STAMP_TEXT], last[STAMP_TEXT];

    if (!r->last)
        (void)snprintf(to, 2 * STAMP_TEXT, r->counted ? "no time is known" : "no rows");
    else
        (void)snprintf(to, 2 * STAMP_TEXT, "%.19s to %.19s UTC", stamp_text(r->first, first),
                       stamp_text(r->last, last));
    return to;
}

static void print_read(const struct page *p)
{
    const struct report *r = p->r;
    char text[2 * STAMP_TEXT], n[NUMBER], made[STAMP_TEXT];

    fprintf(p->out, "TLS of mail, %s\n", range(r, text));
    fprintf(p->out, "  made %.16s UTC", stamp_text(r->made, made));
    fprintf(p->out, "%s%s\n  %s rows of %zu file%s", *r->host ? " at " : "", r->host,
            number(r->rows, n), r->file_count, r->file_count == 1 ? "" : "s");
    fprintf(p->out, ", %s counted", number(r->counted, n));
    if (r->outside)
        fprintf(p->out, ", %s not asked for", number(r->outside, n));
    if (r->types)
        fprintf(p->out, ", %s of other types", number(r->types, n));
    if (r->bad)
        fprintf(p->out, ", %s left out", number(r->bad, n));
    putc('\n', p->out);
    if (r->bad)
        wrapf(p, 2, "the first of them: %s: %s", r->bad_place, r->bad_why);
    if (*r->domain)
        fprintf(p->out, "  only recipients in %s\n", r->domain);
    if (*r->source)
        fprintf(p->out, "  only clients of %s\n", r->source);
    for (size_t i = 0; i < r->file_count; i++)
        if (r->files[i].torn)
            wrapf(p, 2, "%s is being written: its last line has no end", r->files[i].name);
}

static void print_way(const struct page *p, const char *title, const struct report_way *w)
{
    char n[5][NUMBER], s[3][NUMBER];

    fprintf(p->out, "  %-9s %12s %12s %8s %11s %8s %8s\n", title, number(w->messages, n[0]),
            number(w->tls, n[1]), share(w->tls, report_known(w), s[0]), number(w->clear, n[2]),
            share(w->clear, report_known(w), s[1]),
            share(w->verified, report_is_judged(w) ? report_known(w) : 0, s[2]));
    if (w->unknown)
        fprintf(p->out, "  %-9s %12s not known: no column says it\n", "", number(w->unknown, n[3]));
    if (w->old)
        fprintf(p->out, "  %-9s %12s in TLS older than 1.2\n", "", number(w->old, n[4]));
}

static void print_totals(const struct page *p)
{
    const struct report *r = p->r;
    char n[3][NUMBER];

    fprintf(p->out, "\n  %-9s %12s %12s %8s %11s %8s %8s\n", "", "messages", "in TLS", "", "clear",
            "", "verified");
    print_way(p, "sent", &r->out.way);
    print_way(p, "received", &r->in.way);
    if (r->bounced || r->deferred || r->attempts)
        fprintf(p->out, "\n  not delivered: %s given up, %s put off, %s attempts to connect\n",
                number(r->bounced, n[0]), number(r->deferred, n[1]), number(r->attempts, n[2]));
}

static void print_day_way(const struct page *p, const struct report_way *w, bool last)
{
    uint64_t known = report_known(w);
    char n[NUMBER], s[NUMBER];
    int used = known ? (int)((double)w->tls / (double)known * DAY_BAR / 2 + 0.5) : 0;

    fprintf(p->out, " %10s %8s ", number(w->messages, n), share(w->tls, known, s));
    bar(p, w->tls, known, DAY_BAR / 2);
    if (!last)
        fprintf(p->out, "%*s", DAY_BAR / 2 - (used ? used : w->tls > 0), "");
}

static bool is_idle(const struct report_day *d)
{
    return d->in.messages + d->out.messages == 0;
}

static void print_days(const struct page *p)
{
    const struct report *r = p->r;
    bool idle = false;

    if (!r->day_count)
        return;
    heading(p, "Share in TLS by day (UTC)");
    fprintf(p->out, "  %-10s %10s %18s %11s\n", "", "sent", "", "received");
    for (size_t i = 0; i < r->day_count; i++) {
        if (idle && is_idle(&r->days[i])) /* months without mail are no news */
            continue;
        idle = is_idle(&r->days[i]);
        fprintf(p->out, "  %s", idle ? "...\n" : r->days[i].date);
        if (idle)
            continue;
        print_day_way(p, &r->days[i].out, false);
        print_day_way(p, &r->days[i].in, true);
        putc('\n', p->out);
    }
}

static void print_weaks(const struct page *p, const char *title, const struct report_weaks *w)
{
    char n[3][NUMBER], date[STAMP_TEXT];

    if (!w->count)
        return;
    heading(p, title);
    fprintf(p->out, "  %-*s %10s %10s %10s  %s\n", NAME - 4, "", "clear", "old TLS", "of all",
            "last");
    for (size_t i = 0; i < w->count; i++) {
        const struct report_weak *e = &w->at[i];

        name_column(p, e->name, NAME - 4);
        fprintf(p->out, " %10s %10s %10s  %s\n", number(e->clear, n[0]), number(e->old, n[1]),
                number(e->messages, n[2]),
                e->last ? stamp_date_text(e->last / STAMP_DAY, date) : "");
        if (*e->called || *e->oldest)
            fprintf(p->out, "    %s%s%s\n", e->called, *e->called && *e->oldest ? ", " : "",
                    e->oldest);
    }
    if (w->known > w->count)
        fprintf(p->out, "  and %s more\n", number(w->known - w->count, n[0]));
    if (w->approximate)
        fputs("  there were too many to count each: small ones may be missing\n", p->out);
}

static void print_failures(const struct page *p)
{
    const struct report_failures *f = &p->r->failures;
    char n[NUMBER], first[STAMP_TEXT], last[STAMP_TEXT];

    if (!f->total)
        return;
    heading(p, "Why mail was not delivered");
    for (size_t i = 0; i < f->count; i++) {
        const struct report_failure *e = &f->at[i];

        fprintf(p->out, "  %11s  %s%s%s%s%s\n", number(e->count, n), e->error,
                *e->error ? ", " : "", e->status, *e->category ? ", " : "", e->category);
        fprintf(p->out, "  %11s  %.16s to %.16s\n", "", stamp_text(e->first, first),
                stamp_text(e->last, last));
        wrapf(p, BEHIND, "such as %s%s%s", e->domain, *e->server ? " at " : "", e->server);
        if (*e->diagnostic)
            wrap(p, BEHIND, e->diagnostic);
    }
    if (f->others)
        fprintf(p->out, "  %11s  for other reasons\n", number(f->others, n));
}

static void print_woulds(const struct page *p)
{
    const struct report_woulds *w = &p->r->woulds;
    char n[NUMBER];

    if (!w->count)
        return;
    heading(p, "What would be refused if it were not only reported");
    for (size_t i = 0; i < w->count; i++) {
        const struct report_would *e = &w->at[i];

        fprintf(p->out, "  %11s  %s %s: %s\n", number(e->count, n), e->in ? "source" : "domain",
                e->section, e->rule);
        for (size_t k = 0; k < e->who.count && k < 5; k++)
            fprintf(p->out, "  %11s    %s %s\n", "", number(e->who.at[k].count, n),
                    *e->who.at[k].name ? e->who.at[k].name : "none");
    }
}

static void print_readies(const struct page *p)
{
    const struct report_readies *r = &p->r->readies;
    char n[NUMBER];

    if (!r->judged && p->r->out.way.messages)
        fprintf(
            p->out,
            "\nWhich domains can be required is not known: the files hold less than %u days, or\n"
            "lack columns.\n",
            r->days);
    if (!r->known)
        return;
    heading(p, "Domains that can be required");
    fprintf(p->out,
            "# Each of at least %u messages in at least %u days was in TLS, with a certificate\n"
            "# of a known CA. For sallyport.conf:\n",
            r->messages, r->days);
    for (size_t i = 0; i < r->count; i++)
        fprintf(p->out, "# %s messages\n%s", number(r->at[i].messages, n), r->at[i].section);
    if (r->known > r->count)
        fprintf(p->out, "# and %s more: see --top\n", number(r->known - r->count, n));
}

static void print_missing(const struct page *p)
{
    const struct report *r = p->r;

    if (!r->missing_count)
        return;
    heading(p, "What these files cannot say (record-fields and records choose it)");
    for (size_t i = 0; i < r->missing_count; i++)
        wrapf(p, 2, "%s (%s): %s", r->missing[i].column, r->missing[i].types, r->missing[i].what);
}

void report_as_text(const struct report *r, FILE *out, bool blocks)
{
    struct page p = {r, out, blocks};

    print_read(&p);
    print_totals(&p);
    print_days(&p);
    print_tallies(&p, "Sent: protocols", &r->out.protocols);
    print_tallies(&p, "Sent: ciphers", &r->out.ciphers);
    print_tallies(&p, "Sent: groups", &r->out.groups);
    print_tallies(&p, "Sent: certificates of servers", &r->out.verify);
    print_tallies(&p, "Sent: policies", &r->out.policies);
    print_tallies(&p, "Sent: what became of the policy", &r->out.policy_results);
    print_tallies(&p, "Received: protocols", &r->in.protocols);
    print_tallies(&p, "Received: ciphers", &r->in.ciphers);
    print_tallies(&p, "Received: groups", &r->in.groups);
    print_tallies(&p, "Received: certificates of clients", &r->in.verify);
    print_weaks(&p, "Domains with mail in the clear or in old TLS", &r->domains);
    print_weaks(&p, "Clients with mail in the clear or in old TLS", &r->clients);
    print_failures(&p);
    print_woulds(&p);
    print_readies(&p);
    print_missing(&p);
}
