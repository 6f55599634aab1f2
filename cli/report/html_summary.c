/* SPDX-License-Identifier: Apache-2.0
 *
 * The top of the page: a sentence, the great figures, and what needs attention. */
#include "cli/report/html_part.h"

#include "cli/report/markup.h"

/* Shares are of what is known, as in text.c: "0.0 %" of what has no record would be a lie. */
static void write_way(FILE *out, const struct report_way *w, const char *what)
{
    markup_count(out, w->messages, "message");
    fprintf(out, " %s %s", w->messages == 1 ? "was" : "were", what);
    if (w->unknown) {
        fputs(" (", out);
        markup_number(out, w->unknown);
        fputs(" of them without a record of TLS)", out);
    }
    fputs(", <strong>", out);
    markup_share(out, w->tls, report_known(w));
    fputs("</strong> in TLS", out);
}

static void write_sentence(FILE *out, const struct report *r)
{
    const struct report_way *sent = &r->out.way, *received = &r->in.way;

    fputs("<p class=\"sentence\">", out);
    if (sent->messages == 0 && received->messages == 0) {
        fputs("No mail was sent or received in this time.</p>\n", out);
        return;
    }
    if (sent->messages)
        write_way(out, sent, "sent");
    if (sent->messages && report_is_judged(sent)) {
        fputs(" and ", out);
        markup_share(out, sent->verified, report_known(sent));
        fputs(" to servers whose certificate holds", out);
    }
    if (received->messages) {
        fputs(sent->messages ? "; " : "", out);
        write_way(out, received, "received");
    }
    fputs(".</p>\n", out);
}

/* A figure with its name, and below it what it is a part of. */
static void figure_open(FILE *out, const char *name)
{
    fprintf(out, "<div><dt>%s</dt><dd><span class=\"big\">", name);
}

static void figure_share(FILE *out, const char *name, uint64_t part, uint64_t whole, const char *of)
{
    figure_open(out, name);
    markup_share(out, part, whole);
    fputs("</span> <span class=\"of\">", out);
    markup_number(out, part);
    fputs(" of ", out);
    markup_number(out, whole);
    fprintf(out, " %s</span></dd></div>\n", of);
}

static void figure_way(FILE *out, const char *name, uint64_t part, const struct report_way *w,
                       const char *of)
{
    char known[40];

    (void)snprintf(known, sizeof known, "%s%s", of, w->unknown ? ", as recorded" : "");
    figure_share(out, name, part, report_known(w), known);
}

static void figure_verified(FILE *out, const struct report_way *sent)
{
    static const char name[] = "Sent, server verified";

    if (report_is_judged(sent)) {
        figure_way(out, name, sent->verified, sent, "sent");
        return;
    }
    figure_open(out, name);
    fputs("\xe2\x80\x93</span> <span class=\"of\">not recorded</span></dd></div>\n", out);
}

static void figure_failed(FILE *out, const struct report *r)
{
    figure_open(out, "Refused or put off");
    if (r->bounced + r->deferred < 10000000)
        markup_number(out, r->bounced + r->deferred);
    else
        markup_short(out, r->bounced + r->deferred); /* both follow in full */
    fputs("</span> <span class=\"of\">", out);
    markup_number(out, r->bounced);
    fputs(" bounced, ", out);
    markup_number(out, r->deferred);
    fputs(" deferred</span></dd></div>\n", out);
}

void html_summary(FILE *out, const struct report *r)
{
    const struct report_way *sent = &r->out.way, *received = &r->in.way;

    fputs("<section id=\"summary\" aria-labelledby=\"summary-h\">\n"
          "<h2 id=\"summary-h\">Summary</h2>\n",
          out);
    write_sentence(out, r);
    fputs("<dl class=\"figures\">\n", out);
    figure_way(out, "Sent in TLS", sent->tls, sent, "sent");
    figure_way(out, "Received in TLS", received->tls, received, "received");
    figure_verified(out, sent);
    figure_share(out, "Older than TLS 1.2", sent->old + received->old, sent->tls + received->tls,
                 "in TLS");
    figure_failed(out, r);
    fputs("</dl>\n", out);
    html_section_close(out);
}

/* One matter, with the number that it is about and where more of it stands. */
struct matter {
    enum { MATTER_ACT, MATTER_LOOK, MATTER_GOOD } kind;
    uint64_t count;
    const char *noun, *text, *anchor;
    bool at_least; /* the list that it was counted in was cut */
};

static bool write_matter(FILE *out, const struct matter *m)
{
    static const char *const kinds[] = {
        [MATTER_ACT] = "<li class=\"act\"><span class=\"tag\">Act</span><span>",
        [MATTER_LOOK] = "<li class=\"look\"><span class=\"tag\">Look</span><span>",
        [MATTER_GOOD] = "<li class=\"good\"><span class=\"tag\">Ready</span><span>",
    };

    if (m->count == 0)
        return false;
    fprintf(out, "%s%s<a href=\"#%s\">", kinds[m->kind], m->at_least ? "At least " : "", m->anchor);
    markup_count(out, m->count, m->noun);
    fprintf(out, "</a> %s</span></li>\n", m->text);
    return true;
}

static uint64_t would_be_refused(const struct report *r)
{
    uint64_t count = 0;

    for (size_t i = 0; i < r->woulds.count; i++)
        count += r->woulds.at[i].count;
    return count;
}

static bool write_matters(FILE *out, const struct report *r)
{
    const struct matter matters[] = {
        {MATTER_ACT, r->out.way.clear, "message", "sent in the clear.", "domains", false},
        {MATTER_ACT, r->in.way.clear, "message", "received in the clear.", "clients", false},
        {MATTER_ACT, r->out.way.old, "message", "sent in TLS older than 1.2.", "domains", false},
        {MATTER_ACT, r->in.way.old, "message", "received in TLS older than 1.2.", "clients", false},
        {MATTER_ACT, html_tls_failures(r), "attempt", "that failed because of TLS.", "failures",
         r->failures.others != 0},
        {MATTER_LOOK, would_be_refused(r), "message",
         "that would be refused if the rules on trial were enforced.", "rules", false},
        {MATTER_LOOK, r->bad, "row", "that could not be read, and not counted.", "read", false},
        {MATTER_LOOK, r->missing_count, "column",
         "missing from every file, so that parts of this page are empty.", "read", false},
        {MATTER_GOOD, r->readies.known, "domain",
         "with verified TLS for so long that it can be required.", "ready", false},
    };
    bool any = false;

    for (size_t i = 0; i < COUNT_OF(matters); i++)
        any |= write_matter(out, &matters[i]);
    return any;
}

void html_attention(FILE *out, const struct report *r)
{
    html_section_open(out, "attention", "Needs attention", NULL);
    fputs("<ul class=\"matters\">\n", out);
    if (!write_matters(out, r))
        fputs("<li>Nothing.</li>\n", out);
    fputs("</ul>\n", out);
    html_section_close(out);
}
