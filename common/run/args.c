/* SPDX-License-Identifier: Apache-2.0 */
#include "run/args.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h> /* getopt; its long sibling's header would clash with our struct option */

#include "conf/settings.h"
#include "config.h"
#include "run/daemon.h"

#define DEFAULT_FILE SYSCONFDIR "/sallyport/sallyport.conf"

static const struct {
    const char *text, *doc;
} lines[] = {
    {"-c FILE", "the configuration; " DEFAULT_FILE " if not given"},
    {"-t", "check the configuration and all that it names, and go; 0: it is right"},
    {"-f", "stay in the foreground, as it does anyway"},
    {"-b", "go to the background once everything serves (log-to = syslog is for this)"},
    {"--sample", "print a sample configuration with all options and their defaults"},
    {"--manual", "print the options as the manual has them (mdoc)"},
    {"--help", "print this"},
    {"--version", "print the version"},
};

static int print_help(const struct program *program)
{
    printf("%s: %s\n\n", program->name, program->summary);
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        printf("  %-10s %s\n", lines[i].text, lines[i].doc);
    printf("\nSIGHUP reads the configuration anew; if it is wrong, the old one stays. SIGTERM\n"
           "lets sessions end and stops; a second one stops at once.\n");
    return 0;
}

static int complain(const struct program *program, const char *dashes, const char *name,
                    const char *what)
{
    fprintf(stderr, "%s: %s%s %s; --help says what there is\n", program->name, dashes, name, what);
    return EXIT_USAGE;
}

static int take_word(const struct program *program, const char *word)
{
    if (strcmp(word, "help") == 0)
        return print_help(program);
    if (strcmp(word, "version") == 0) {
        printf("%s %s\n", program->name, PACKAGE_VERSION);
        return 0;
    }
    if (strcmp(word, "sample") == 0) {
        settings_print_sample();
        return 0;
    }
    if (strcmp(word, "manual") == 0) {
        settings_print_manual();
        return 0;
    }
    return complain(program, "--", word, "is not an option");
}

static int take(struct args *a, const struct program *program, int letter)
{
    const char name[2] = {(char)optopt, 0};

    switch (letter) {
    case 'c':
        a->file = optarg;
        return ARGS_GO_ON;
    case 't':
        a->only_check = true;
        return ARGS_GO_ON;
    case 'f':
        a->background = false;
        return ARGS_GO_ON;
    case 'b':
        a->background = true;
        return ARGS_GO_ON;
    case '-': /* as if "--" were an option and the word its value */
        return take_word(program, optarg);
    case ':':
        return complain(program, "-", name, "needs a value");
    default:
        return complain(program, "-", name, "is not an option");
    }
}

int args_read(struct args *a, const struct program *program, int argc, char **argv)
{
    int letter, status = ARGS_GO_ON;

    *a = (struct args){.file = DEFAULT_FILE};
    while (status == ARGS_GO_ON && (letter = getopt(argc, argv, ":c:tfb-:")) != -1)
        status = take(a, program, letter);
    if (status == ARGS_GO_ON && optind < argc)
        return complain(program, "", argv[optind], "is not an option");
    return status;
}
