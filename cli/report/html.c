/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/html.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/report/html_part.h"
#include "cli/report/markup.h"
#include "cli/report/output.h"
#include "cli/report/stamp.h"

static const char style[] =
#include "cli/report/page.inc"
    ;

/* Nothing but the style within, whatever a name in a log would like to load. */
static const char policy[] = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
                             "form-action 'none'";

static void write_head(FILE *out, const struct report *r)
{
    fprintf(out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"%s\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<meta name=\"color-scheme\" content=\"light dark\">\n"
            "<meta name=\"referrer\" content=\"no-referrer\">\n"
            "<meta name=\"generator\" content=\"sallyport report\">\n<title>TLS report",
            policy);
    if (*r->host) {
        fputs(" of ", out);
        markup_text(out, r->host);
    }
    fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n", style);
}

static void write_wanted(FILE *out, const struct report *r)
{
    fputs("<p class=\"made\">Made ", out);
    html_moment(out, r->made);
    if (*r->host) {
        fputs(" on <bdi>", out);
        markup_text(out, r->host);
        fputs("</bdi>", out);
    }
    if (r->since) {
        fputs(" \xc2\xb7 since ", out);
        html_moment(out, r->since);
    }
    if (r->until) {
        fputs(" \xc2\xb7 until ", out);
        html_moment(out, r->until);
    }
    if (*r->domain) {
        fputs(" \xc2\xb7 only to the domain <bdi>", out);
        markup_text(out, r->domain);
        fputs("</bdi>", out);
    }
    if (*r->source) {
        fputs(" \xc2\xb7 only from the source <bdi>", out);
        markup_text(out, r->source);
        fputs("</bdi>", out);
    }
    fputs("</p>\n", out);
}

static void write_header(FILE *out, const struct report *r)
{
    fputs("<body>\n<a class=\"skip\" href=\"#main\">Skip to the report</a>\n<header>\n"
          "<h1>TLS report</h1>\n<p class=\"period\">",
          out);
    if (r->first) {
        html_date(out, r->first);
        if (r->last / STAMP_DAY != r->first / STAMP_DAY) {
            fputs(" \xe2\x80\x93 ", out);
            html_date(out, r->last);
        }
    } else {
        fputs("No mail", out);
    }
    fputs("</p>\n", out);
    write_wanted(out, r);
    fputs("<nav aria-label=\"Sections\"><ul>\n"
          "<li><a href=\"#attention\">Needs attention</a></li>\n"
          "<li><a href=\"#days\">By day</a></li>\n"
          "<li><a href=\"#sent\">Sent</a></li>\n"
          "<li><a href=\"#received\">Received</a></li>\n"
          "<li><a href=\"#domains\">Weak domains</a></li>\n"
          "<li><a href=\"#clients\">Weak clients</a></li>\n"
          "<li><a href=\"#failures\">Failures</a></li>\n"
          "<li><a href=\"#rules\">Rules on trial</a></li>\n"
          "<li><a href=\"#ready\">Ready to require</a></li>\n"
          "<li><a href=\"#read\">What was read</a></li>\n"
          "</ul></nav>\n</header>\n",
          out);
}

void report_html(const struct report *r, FILE *out)
{
    static void (*const sections[])(FILE *, const struct report *) = {
        html_summary,  html_attention, html_days,    html_kinds, html_domains, html_clients,
        html_failures, html_woulds,    html_readies, html_files, html_meaning,
    };

    write_head(out, r);
    write_header(out, r);
    chart_patterns(out);
    fputs("<main id=\"main\" tabindex=\"-1\">\n", out);
    for (size_t i = 0; i < COUNT_OF(sections); i++)
        sections[i](out, r);
    fputs("</main>\n<footer><p>Written by <code>sallyport report</code>. This page is one file: "
          "it loads nothing and runs nothing.</p></footer>\n</body>\n</html>\n",
          out);
}

bool report_html_may(const char *path, char *why, size_t size)
{
    static const char begin[] = "<!DOCTYPE html>";
    char text[sizeof begin - 1];
    int fd = output_is_no_file(path) ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof text) : 0;

    if (fd >= 0)
        close(fd);
    if (len <= 0 || ((size_t)len == sizeof text && !memcmp(text, begin, sizeof text)))
        return true;
    snprintf(why, size, "%s: it is there and no page, so it stays; name another after --html",
             path);
    return false;
}

int report_html_file(const struct report *r, const char *path, char *why, size_t size)
{
    char *page = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&page, &len);
    bool ok = out != NULL;

    if (out) {
        report_html(r, out);
        ok = !ferror(out);
        ok = fclose(out) == 0 && ok;
    }
    if (!ok)
        snprintf(why, size, "%s: cannot be written: no memory", path);
    else
        ok = output_put(path, (struct span){page, len}, why, size);
    free(page);
    return ok ? 0 : -1;
}
