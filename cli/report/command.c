/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/command.h"

#include <langinfo.h>
#include <locale.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/report/html.h"
#include "cli/report/json.h"
#include "cli/report/reading.h"
#include "cli/report/text.h"

/* Blocks where a terminal shows them. */
static bool has_blocks(void)
{
    return isatty(STDOUT_FILENO) && setlocale(LC_CTYPE, "") &&
           strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static bool write_report(const struct report_plan *p, const struct report *r)
{
    char why[4400];

    if (p->html && report_html_file(r, p->html, why, sizeof why) < 0) {
        fprintf(stderr, "sallyport report: %s\n", why);
        return false;
    }
    if (p->json)
        report_as_json(r, stdout);
    else if (!p->html)
        report_as_text(r, stdout, has_blocks());
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    fprintf(stderr, "sallyport report: standard output cannot be written\n");
    return false;
}

static enum report_end finish(const struct report_plan *p, struct reading *reading,
                              struct count *count)
{
    struct report *r = count_report(count);
    char host[256] = "";

    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    r->made = (time_t)clock_now();
    r->host = host;
    r->files = reading->files;
    r->file_count = reading->file_count;
    if (reading->bad_place) {
        r->bad_place = reading->bad_place;
        r->bad_why = reading->bad_why;
    }
    if (!write_report(p, r))
        return REPORT_CANNOT;
    return reading->incomplete || r->bad ? REPORT_PART : REPORT_WELL;
}

enum report_end report_make(const struct report_plan *p)
{
    struct count *count = count_new(&p->wish);
    struct reading reading = {.count = count};
    enum report_end end = REPORT_CANNOT;
    char why[4400];

    if (p->html && !report_html_may(p->html, why, sizeof why))
        fprintf(stderr, "sallyport report: %s\n", why);
    else if (!count || !reading_run(&reading, &p->files))
        fprintf(stderr, "sallyport report: no memory\n");
    else if (reading.file_count > 0)
        end = finish(p, &reading, count);
    reading_clear(&reading);
    count_free(&count);
    return end;
}
