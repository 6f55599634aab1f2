/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/show.h"

#include <stdio.h>

#include "cli/command.h"
#include "conf/conf.h"
#include "conf/settings.h"

static void print_time(unsigned long seconds)
{
    if (seconds && seconds % 3600 == 0)
        printf("%luh", seconds / 3600);
    else if (seconds && seconds % 60 == 0)
        printf("%lum", seconds / 60);
    else
        printf("%lus", seconds);
}

static void print_list(const struct texts *list)
{
    printf("{");
    for (size_t i = 0; i < list->count; i++)
        printf("%s%s", i ? ", " : "", list->at[i]);
    printf("}");
}

static void print_certs(const struct cert_files *certs)
{
    if (!certs->count)
        printf("{}");
    for (size_t i = 0; i < certs->count; i++)
        printf("%s{\"%s\"%s}", i ? ", " : "", certs->at[i].file,
               *certs->at[i].password ? ", (a password)" : "");
}

static void print_text(const struct option *o, const char *text)
{
    if (*text && strstr(o->name, "password"))
        printf("(a password)");
    else
        printf("\"%s\"", text);
}

/* As it would stand in the file; of the kinds that rules have. */
void show_value(const struct option *o, const void *of)
{
    const void *at = (const char *)of + o->offset;

    switch (o->kind) {
    case OPTION_FLAG:
        printf("%s", *(const bool *)at ? "yes" : "no");
        break;
    case OPTION_COUNT:
        printf("%lu", *(const unsigned long *)at);
        break;
    case OPTION_SIZE:
        if (*(const unsigned long *)at)
            printf("%lub", *(const unsigned long *)at);
        else
            printf("unlimited");
        break;
    case OPTION_TIME:
        print_time(*(const unsigned long *)at);
        break;
    case OPTION_WORD:
        printf("%.*s", SPAN_ARG(option_word(o, *(const unsigned *)at)));
        break;
    case OPTION_LIST:
    case OPTION_FILES:
        print_list(at);
        break;
    case OPTION_TEXT:
    case OPTION_PATH:
    case OPTION_FILE:
        print_text(o, *(const char *const *)at);
        break;
    case OPTION_CERTS:
        print_certs(at);
        break;
    case OPTION_NETS:
        printf("...");
        break;
    }
}

void show_row(const char *kind, const struct option *options, size_t row, const void *rule,
              const struct option_head *from)
{
    char dashed[OPTION_NAME];

    printf("%s = ", conf_name(&options[row], dashed));
    show_value(&options[row], rule);
    if (from)
        printf("    # %s %s, %s:%u\n", kind, from->title, from->file, option_line(from, row));
    else
        printf("    # default\n");
}

static const struct {
    const char *name;
    int (*show)(const struct settings *s, int words, char **word);
} nouns[] = {{"source", show_source}, {"domain", show_domain}};

static size_t find_noun(const char *name)
{
    size_t i = 0;

    while (i < COUNT_OF(nouns) && strcmp(nouns[i].name, name) != 0)
        i++;
    return i;
}

int show_run(int argc, char **argv)
{
    const char *file;
    int status, at = command_options(argc, argv, &file);
    struct settings *s;
    size_t noun;

    if (at < 0)
        return EXIT_USAGE;
    noun = at < argc ? find_noun(argv[at]) : COUNT_OF(nouns);
    if (noun == COUNT_OF(nouns))
        return command_wrong("show", "say what: source ADDRESS, or domain DOMAIN");
    s = command_settings(file);
    if (!s)
        return CLI_CANNOT;
    status = nouns[noun].show(s, argc - at - 1, argv + at + 1);
    settings_free(&s);
    return status;
}
