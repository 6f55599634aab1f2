/* SPDX-License-Identifier: Apache-2.0
 *
 * sallyport: the person's tool.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/command.h"
#include "config.h"
#include "conf/problem.h"
#include "conf/settings.h"
#include "tell/log.h"

#define DEFAULT_FILE SYSCONFDIR "/sallyport/sallyport.conf"

enum { WHY_LEN = 8192 };

static const struct command commands[] = {
    {"check", "check [-c FILE] [BACKEND...]",
     "ask the configuration, the machine and the live mail servers what is wrong", check_run},
    {"forget", "forget [-c FILE] DOMAIN",
     "forget that a domain has shown TLS, and its MTA-STS policy", forget_run},
    {"show", "show [-c FILE] source ADDRESS [LISTENER]",
     "what a client is allowed, and where in the file that stands", show_run},
    {"show", "show [-c FILE] domain DOMAIN",
     "what a recipient domain demands, and where in the file that stands", show_run},
    {"probe", "probe [-c FILE] [OPTION...] DOMAIN",
     "how mail for a domain would be delivered, and why; delivers nothing", probe_run},
    {"report", "report [-c FILE] [OPTION...] [FILE...]",
     "what accounting files say of TLS, as text, as JSON or as a page", report_run},
    {"tlsrpt", "tlsrpt [-c FILE] [OPTION...] [FILE...]",
     "make yesterday's reports to domains about TLS with them, and send them", tlsrpt_run},
};

int command_wrong(const char *name, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "sallyport%s%s: ", *name ? " " : "", name);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "; sallyport --help says what there is\n");
    return EXIT_USAGE;
}

int command_options(int argc, char **argv, const char **file)
{
    int at = 1;

    *file = DEFAULT_FILE;
    for (; at < argc && *argv[at] == '-'; at += 2) {
        if (strcmp(argv[at], "-c") != 0) {
            (void)command_wrong(argv[0], "%s is not an option", argv[at]);
            return -1;
        }
        if (at + 1 == argc) {
            (void)command_wrong(argv[0], "-c needs a value");
            return -1;
        }
        *file = argv[at + 1];
    }
    return at;
}

struct settings *command_settings(const char *file)
{
    char why[WHY_LEN];
    struct settings *s = settings_read(file, why, sizeof why);
    struct span rest = span_of(why);

    while (!s && rest.len > 0) {
        struct span line = span_cut(&rest, '\n');

        fprintf(stderr, "sallyport: %.*s\n", SPAN_ARG(line));
    }
    return s;
}

static int print_help(void)
{
    printf("sallyport: asks how things stand.\n\n");
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        printf("  sallyport %-41s %s\n", commands[i].usage, commands[i].doc);
    printf("  sallyport %-41s %s\n", "--help", "print this");
    printf("  sallyport %-41s %s\n", "--version", "print the version");
    printf("\n  -c FILE is the configuration; " DEFAULT_FILE " if not given\n"
           "  each OPTION is in sallyport(1)\n");
    return CLI_RIGHT;
}

/* A command may have a row for each form. */
static int print_usage(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (!strcmp(name, commands[i].name))
            printf("sallyport %s\n  %s%s\n", commands[i].usage, commands[i].doc,
                   strstr(commands[i].usage, "OPTION") ? "; each OPTION is in sallyport(1)" : "");
    return CLI_RIGHT;
}

static int unknown(const char *word)
{
    const char *best = NULL;

    for (size_t i = 0; i < COUNT_OF(commands); i++)
        name_suggest(word, commands[i].name, &best);
    if (best)
        return command_wrong("", "'%s' is no command; is it '%s'?", word, best);
    return command_wrong("", "'%s' is no command", word);
}

int main(int argc, char **argv)
{
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    log_open("sallyport", LOG_TO_STDERR, LOG_SESSION);
    if (argc < 2)
        return command_wrong("", "say a command");
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help"))
        return print_help();
    if (!strcmp(argv[1], "--version")) {
        printf("sallyport %s\n", PACKAGE_VERSION);
        return CLI_RIGHT;
    }
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        if (argc == 3 && !strcmp(argv[2], "--help"))
            return print_usage(commands[i].name);
        return commands[i].run(argc - 1, argv + 1);
    }
    return unknown(argv[1]);
}
