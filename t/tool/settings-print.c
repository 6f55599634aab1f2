/* SPDX-License-Identifier: Apache-2.0
 *
 * What --sample and --manual print, and a check of files, without a program around it.
 */
#include <stdio.h>

#include "conf/settings.h"

static int check(const char *path)
{
    char why[65536];
    struct settings *s = settings_read(path, why, sizeof why);
    int status = s ? 0 : 1;

    if (!s)
        fprintf(stderr, "%s\n", why);
    settings_free(&s);
    return status;
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--sample"))
        settings_print_sample();
    else if (argc == 2 && !strcmp(argv[1], "--manual"))
        settings_print_manual();
    else if (argc == 2)
        return check(argv[1]);
    else
        return 2;
    return 0;
}
