/* SPDX-License-Identifier: Apache-2.0
 *
 * sallyport probe: what was said, and the settings.
 */
#include <stdlib.h>

#include "cli/command.h"
#include "cli/inspect.h"
#include "rule/hosts.h"
#include "smtp/path.h"

struct words {
    struct inspect_plan plan;
    const char *file;
    int at;
};

static bool take_seconds(struct words *w, const char *value)
{
    return text_number(span_of(value), 3600, &w->plan.seconds) && w->plan.seconds > 0;
}

static const char *const valued[] = {"-c", "--server", "--rcpt", "--timeout"};

/* An option with a value. False: that will not do, and it was said. */
static bool take_valued(struct words *w, const char *name, const char *value)
{
    struct path path;

    if (!value) {
        (void)command_wrong("probe", "%s needs a value", name);
        return false;
    }
    if (!strcmp(name, "-c")) {
        w->file = value;
    } else if (!strcmp(name, "--server")) {
        w->plan.server = value;
    } else if (!strcmp(name, "--rcpt")) {
        w->plan.rcpt = value;
        if (strpbrk(value, "<>\r\n") || !path_read(span_of(value), "", &path)) {
            (void)command_wrong("probe", "'%s' is no address; write user@example.com", value);
            return false;
        }
    } else if (!take_seconds(w, value)) {
        (void)command_wrong("probe", "--timeout is 1 to 3600 seconds");
        return false;
    }
    return true;
}

static bool has_value(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(valued); i++)
        if (!strcmp(valued[i], name))
            return true;
    return false;
}

static bool take_word(struct words *w, int argc, char **argv)
{
    const char *word = argv[w->at];

    if (has_value(word)) {
        if (!take_valued(w, word, w->at + 1 < argc ? argv[w->at + 1] : NULL))
            return false;
        w->at += 2;
        return true;
    }
    w->at++;
    if (!strcmp(word, "--json")) {
        w->plan.json = true;
    } else if (strcmp(word, "--deliver-nothing") == 0) {
        /* It never does. */
    } else if (*word == '-') {
        (void)command_wrong("probe", "%s is not an option", word);
        return false;
    } else if (w->plan.domain) {
        (void)command_wrong("probe", "say one domain");
        return false;
    } else {
        w->plan.domain = word;
    }
    return true;
}

static bool take_words(struct words *w, int argc, char **argv)
{
    w->at = command_options(1, argv, &w->file); /* the default */
    while (w->at < argc)
        if (!take_word(w, argc, argv))
            return false;
    if (!w->plan.domain)
        (void)command_wrong("probe", "say a domain");
    return w->plan.domain != NULL;
}

/* As the MTA's RCPT would name it. */
static bool take_domain(struct inspect *i)
{
    struct addr literal;
    struct span said = span_of(i->plan.domain);

    if (said.len > 1 && said.at[said.len - 1] == '.')
        said.len--;
    if (literal_read(said, &literal))
        text_copy(i->domain, sizeof i->domain, said);
    return *i->domain || idna_ascii(said, i->domain);
}

int probe_run(int argc, char **argv)
{
    struct words w = {.at = 0};
    struct inspect *i;
    struct settings *s = NULL;
    int status = CLI_CANNOT;

    if (!take_words(&w, argc, argv))
        return EXIT_USAGE;
    if (!(i = calloc(1, sizeof *i)))
        return CLI_CANNOT;
    i->plan = w.plan;
    if (!take_domain(i)) {
        status = command_wrong("probe", "'%s' is no domain; write example.com or [192.0.2.1]",
                               w.plan.domain);
    } else if ((s = command_settings(w.file))) {
        i->settings = s;
        status = inspect_run(i);
    }
    settings_free(&s);
    free(i);
    return status;
}
