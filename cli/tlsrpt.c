/* SPDX-License-Identifier: Apache-2.0
 *
 * sallyport tlsrpt: the command; what it does is in cli/tlsrpt.
 */
#include "cli/command.h"
#include "cli/tlsrpt/course.h"

int tlsrpt_run(int argc, char **argv)
{
    static const int status[] = {CLI_RIGHT, CLI_FINDINGS, CLI_CANNOT};
    struct course_plan plan;
    struct settings *s = NULL;
    char why[4400];
    const char *fallback;
    int end = CLI_CANNOT;

    if (!course_words(&plan, argc, argv, why, sizeof why))
        end = command_wrong("tlsrpt", "%s", why);
    else if (command_options(1, NULL, &fallback) >= 0 &&
             (s = command_settings(plan.conf ? plan.conf : fallback)))
        end = status[course_run(&plan, s)];
    course_plan_clear(&plan);
    settings_free(&s);
    return end;
}
