/* SPDX-License-Identifier: Apache-2.0
 *
 * The sample file and the manual's lists, from the tables.
 */
#include <stdio.h>

#include "conf/conf.h"
#include "conf/inherit.h"
#include "conf/kinds.h"
#include "conf/settings.h"
#include "conf/value.h"

enum { WIDTH = 78 };

/* Text in lines of at most WIDTH, each with `lead` before it. roff (without a lead) wants each
 * sentence on a line of its own. */
static void print_wrapped(const char *lead, const char *text)
{
    struct span rest = span_of(text);
    bool roff = !*lead, ended = false;
    size_t column = 0;

    while (rest.len) {
        struct span word = span_cut(&rest, ' ');
        bool fits = column && column + 1 + word.len <= WIDTH && !(roff && ended);

        if (!fits) {
            printf("%s%s", column ? "\n" : "", lead);
            column = strlen(lead);
        }
        printf("%s%.*s", fits ? " " : "", SPAN_ARG(word));
        column += word.len + fits;
        ended = word.len && word.at[word.len - 1] == '.';
    }
    putchar('\n');
}

/* The words or the range of a value; "" for none. */
static const char *limits_of(const struct option *o, char to[VALUE_WORDS])
{
    *to = '\0';
    if (o->kind == OPTION_WORD)
        return value_words(o, to);
    if (o->kind == OPTION_FLAG)
        return "yes, no";
    if (o->most)
        snprintf(to, VALUE_WORDS, "%lu to %lu%s", o->least, o->most,
                 o->kind == OPTION_TIME ? " seconds" : "");
    return to;
}

static bool is_text(const struct option *o)
{
    return o->kind == OPTION_TEXT || o->kind == OPTION_PATH || o->kind == OPTION_FILE;
}

static const char *fallback_of(const struct option *o)
{
    return value_is_list(o) && !*o->fallback ? "{}" : o->fallback;
}

static void sample_option(const struct option *o, const char *indent)
{
    char name[OPTION_NAME], buffer[VALUE_WORDS], lead[32];
    const char *quote = is_text(o) ? "\"" : "", *limits = limits_of(o, buffer);

    snprintf(lead, sizeof lead, "## %s", indent);
    print_wrapped(lead, o->doc);
    if (*limits)
        printf("%s(%s)\n", lead, limits);
    printf("#%s%s = %s%s%s\n", indent, conf_name(o, name), quote, fallback_of(o), quote);
}

/* A pattern has none in the file: its title says what it is. */
static const char *name_of(const struct kind *k)
{
    return *k->title == '/' ? "" : k->name;
}

static void sample_section(const struct kind *kind, const char *indent)
{
    const char *space = *kind->example ? " " : "";
    char inner[32], lead[32];

    snprintf(inner, sizeof inner, "%s    ", indent);
    snprintf(lead, sizeof lead, "## %s", indent);
    print_wrapped(lead, kind->doc);
    if (kind->words) {
        printf("#%s%s%s%s %s\n", indent, name_of(kind), *name_of(kind) ? " " : "", kind->example,
               kind->words_example);
        return;
    }
    printf("#%s%s%s%s {\n", indent, kind->name, space, kind->example);
    for (const struct option *o = kind->options; o->name; o++)
        sample_option(o, inner);
    for (const struct kind *k = kinds + 1; k->name; k++)
        if (k->inside && !strcmp(k->inside, kind->name))
            sample_section(k, inner);
    printf("#%s}\n", indent);
}

void settings_print_sample(void)
{
    puts("## SPDX-License-Identifier: Apache-2.0\n"
         "##\n"
         "## sallyport.conf, with every option at its default. Lines with one # are settings:\n"
         "## take it away to change them. See sallyport.conf(5).");
    for (const struct option *o = kinds[KIND_GLOBAL].options; o->name; o++) {
        putchar('\n');
        sample_option(o, "");
    }
    for (const struct kind *k = kinds + 1; k->name; k++) {
        if (k->inside)
            continue;
        putchar('\n');
        sample_section(k, "");
    }
}

static const char *kind_word(const struct option *o)
{
    static const char *const words[] = {
        [OPTION_TEXT] = "text",     [OPTION_PATH] = "path",   [OPTION_FILE] = "file",
        [OPTION_FLAG] = "flag",     [OPTION_COUNT] = "count", [OPTION_SIZE] = "size",
        [OPTION_TIME] = "time",     [OPTION_WORD] = "word",   [OPTION_LIST] = "list",
        [OPTION_NETS] = "networks", [OPTION_FILES] = "files", [OPTION_CERTS] = "certificate",
    };

    return words[o->kind];
}

static void manual_option(const struct kind *k, const struct option *o)
{
    char name[OPTION_NAME], buffer[VALUE_WORDS];
    const char *limits = limits_of(o, buffer);

    printf(".It Ic %s No = Ar %s\n", conf_name(o, name), kind_word(o));
    print_wrapped("", o->doc);
    if (*limits && o->kind == OPTION_WORD)
        printf("One of %s.\n", limits);
    else if (*limits && o->kind != OPTION_FLAG)
        printf("%s.\n", limits);
    if (*o->fallback && !inherit_is_of_file(k, o))
        printf("The default is\n.Li %s .\n", o->fallback);
}

static void print_heading(const struct kind *k)
{
    if (!*k->name)
        puts(".Ss Outside of sections");
    else if (!*k->title)
        printf(".Ss %s\n", k->name);
    else
        printf(".Ss %s%sAr %s%s%s\n", name_of(k), *name_of(k) ? " " : "", k->title,
               k->words ? " " : "", k->words ? k->words : "");
}

void settings_print_manual(void)
{
    for (const struct kind *k = kinds; k->name; k++) {
        print_heading(k);
        print_wrapped("", k->doc);
        if (k->words || !k->options->name)
            continue;
        puts(".Bl -tag -width Ds");
        for (const struct option *o = k->options; o->name; o++)
            manual_option(k, o);
        puts(".El");
    }
}
