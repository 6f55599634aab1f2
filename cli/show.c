/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <stdio.h>

#include "run/conf.h"
#include "run/settings.h"

static const struct smtp_listener *find_listener(const struct settings *s, const char *title)
{
    for (size_t i = 0; i < s->smtp_listener_count; i++)
        if (!strcasecmp(s->smtp_listeners[i].head.title, title))
            return &s->smtp_listeners[i];
    return NULL;
}

/* The section that decides on row `row` for this client: the named one, else the narrowest of the
 * networks that set it. NULL: none does. As sources_find() merges. */
static const struct option_head *decides(const struct settings *s, const struct addr *client,
                                         const char *name, size_t row)
{
    const struct option_head *best = NULL;
    int most = -1;

    for (size_t i = 0; i < s->source_section_count; i++) {
        const struct option_head *h = &s->source_sections[i].head;
        struct network n;

        if (!(h->set >> row & 1))
            continue;
        if (!network_read(span_of(h->title), &n)) {
            if (*name && !strcasecmp(h->title, name))
                return h;
        } else if (network_has(&n, client) && n.bits > most) {
            best = h;
            most = n.bits;
        }
    }
    return best;
}

static void print_word(const char *words, unsigned place)
{
    struct span all = span_of(words), word = span_cut(&all, ' ');

    while (place-- > 0)
        word = span_cut(&all, ' ');
    printf("%.*s", SPAN_ARG(word));
}

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
        print_word(o->words, *(const unsigned *)at);
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

static void print_row(const struct settings *s, const struct addr *client, const char *name,
                      const struct source *rule, size_t row)
{
    const struct option *o = &source_options[row];
    const struct option_head *from = decides(s, client, name, row);
    char dashed[OPTION_NAME];

    printf("%s = ", conf_name(o, dashed));
    print_value(o, rule);
    if (from)
        printf("    # source %s, %s:%u\n", from->title, from->file,
               from->lines && from->lines[row] ? from->lines[row] : from->line);
    else
        printf("    # default\n");
}

static int show_source(const struct settings *s, const char *address, const char *listener)
{
    const struct smtp_listener *l = listener ? find_listener(s, listener) : NULL;
    const char *name = l ? l->source : "";
    struct addr client;
    struct source rule;

    if (!addr_read(span_of(address), &client))
        return command_wrong("show", "'%s' is no address; write 192.0.2.1 or 2001:db8::1", address);
    if (listener && !l)
        return command_wrong("show", "there is no smtp-listener %s", listener);
    sources_find(s->sources, &client, name, &rule);
    for (size_t i = 0; source_options[i].name; i++)
        print_row(s, &client, name, &rule, i);
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
