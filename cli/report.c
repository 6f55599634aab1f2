/* SPDX-License-Identifier: Apache-2.0
 *
 * sallyport report: the command; what it does is in cli/report.
 */
#include "cli/command.h"
#include "cli/report/command.h"
#include "conf/settings.h"

static const char *file_of(const struct report_plan *p)
{
    const char *fallback;

    return p->conf || command_options(1, NULL, &fallback) < 0 ? p->conf : fallback;
}

static enum report_end run(struct report_plan *p, const struct settings *s)
{
    char why[4400];

    if (s && !report_default_files(p, s, why, sizeof why)) {
        fprintf(stderr, "sallyport report: %s\n", why);
        return REPORT_CANNOT;
    }
    return report_make(p);
}

int report_run(int argc, char **argv)
{
    static const int status[] = {CLI_RIGHT, CLI_FINDINGS, CLI_CANNOT};
    struct report_plan plan;
    struct settings *s = NULL;
    char why[4400];
    int end = CLI_CANNOT;

    if (!report_words(&plan, argc, argv, why, sizeof why))
        end = command_wrong("report", "%s", why);
    else if (plan.files.count > 0 || (s = command_settings(file_of(&plan))))
        end = status[run(&plan, s)];
    report_plan_clear(&plan);
    settings_free(&s);
    return end;
}
