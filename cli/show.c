/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <stdio.h>

#include "conf/conf.h"
#include "conf/settings.h"

static const struct smtp_listener *find_listener(const struct settings *s, const char *title)
{
    for (size_t i = 0; i < s->smtp_listener_count; i++)
        if (!strcasecmp(s->smtp_listeners[i].head.title, title))
            return &s->smtp_listeners[i];
    return NULL;
}

/* Whose rules are asked for. */
struct asked {
    const struct settings *settings;
    struct addr client;
    const char *name; /* of the listener's section; "": none */
    bool logged_in;
};

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

/* As it would stand in the file; of the kinds that rules of sources have. */
static void print_value(const struct option *o, const void *of)
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
        printf("\"%s\"", *(const char *const *)at);
        break;
    case OPTION_NETS:
    case OPTION_CERTS:
        printf("...");
        break;
    }
}

static const struct source *decider(const struct asked *a, size_t row)
{
    const struct settings *s = a->settings;

    return source_decider(s->source_sections, s->source_section_count, &a->client, a->name,
                          a->logged_in, row);
}

static void print_row(const struct source *from, const struct source *rule, size_t row)
{
    char dashed[OPTION_NAME];

    printf("%s = ", conf_name(&source_options[row], dashed));
    print_value(&source_options[row], rule);
    if (from)
        printf("    # source %s, %s:%u\n", from->head.title, from->head.file,
               option_line(&from->head, row));
    else
        printf("    # default\n");
}

static void print_rules(const struct asked *a)
{
    struct source rule;

    sources_find(a->settings->sources, &a->client, a->name, &rule);
    for (size_t i = 0; source_options[i].name; i++)
        print_row(decider(a, i), &rule, i);
}

/* What {auth} says otherwise, if there is one. */
static void print_logged_in(struct asked a)
{
    struct source rule;

    a.logged_in = true;
    sources_find_auth(a.settings->sources, &a.client, a.name, &rule);
    for (size_t i = 0; source_options[i].name; i++) {
        const struct source *from = decider(&a, i);

        if (!from || !source_is_auth(from))
            continue;
        printf("once logged in: ");
        print_row(from, &rule, i);
    }
}

static int show_source(const struct settings *s, const char *address, const char *listener)
{
    const struct smtp_listener *l = listener ? find_listener(s, listener) : NULL;
    struct asked a = {.settings = s, .name = l ? l->source : ""};

    if (!addr_read(span_of(address), &a.client))
        return command_wrong("show", "'%s' is no address; write 192.0.2.1 or 2001:db8::1", address);
    if (listener && !l)
        return command_wrong("show", "there is no smtp-listener %s", listener);
    print_rules(&a);
    print_logged_in(a);
    return CLI_RIGHT;
}

int show_run(int argc, char **argv)
{
    const char *file;
    int status, at = command_options(argc, argv, &file);
    struct settings *s;

    if (at < 0)
        return EXIT_USAGE;
    if (at == argc || strcmp(argv[at], "source") != 0)
        return command_wrong("show", "say what: source ADDRESS");
    if (argc - at < 2 || argc - at > 3)
        return command_wrong("show", "say source ADDRESS, and a listener if you like");
    s = command_settings(file);
    if (!s)
        return CLI_CANNOT;
    status = show_source(s, argv[at + 1], at + 2 < argc ? argv[at + 2] : NULL);
    settings_free(&s);
    return status;
}
