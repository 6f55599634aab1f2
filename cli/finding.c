/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/finding.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "cli/command.h"

enum { LINE = 2048 };

static const struct {
    enum severity severity;
    const char *what, *remedy;
} rows[FINDING_COUNT] = {
#define FINDING(name, severity, what, remedy) \
    [FINDING_##name] = {SEVERITY_##severity, what, remedy},
#include "cli/finding.def"
#undef FINDING
};

static const char *const words[SEVERITY_COUNT] = {
    [SEVERITY_OK] = "ok",
    [SEVERITY_NOTE] = "note",
    [SEVERITY_WARNING] = "warning",
    [SEVERITY_ERROR] = "error",
};

void finding_say(struct findings *f, enum severity severity, const char *where, const char *what,
                 const char *detail, const char *remedy)
{
    char line[LINE], clean[LINE];

    f->count[severity]++;
    snprintf(line, sizeof line, "%s: %s: %s%s%s%s%s%s", words[severity], where, what,
             *detail ? " (" : "", detail, *detail ? ")" : "", remedy ? "; " : "",
             remedy ? remedy : "");
    text_clean(clean, sizeof clean, span_of(line));
    printf("%s\n", clean);
    fflush(stdout);
}

void finding_plain(struct findings *f, enum finding what, const char *where)
{
    finding_say(f, rows[what].severity, where, rows[what].what, "", rows[what].remedy);
}

void finding_add(struct findings *f, enum finding what, const char *where, const char *fmt, ...)
{
    char detail[LINE];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(detail, sizeof detail, fmt, ap);
    va_end(ap);
    finding_say(f, rows[what].severity, where, rows[what].what, detail, rows[what].remedy);
}

int findings_status(const struct findings *f)
{
    return f->count[SEVERITY_WARNING] + f->count[SEVERITY_ERROR] ? CLI_FINDINGS : CLI_RIGHT;
}
