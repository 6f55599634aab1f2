/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/report/command.h"

struct words {
    struct report_plan *plan;
    char *why;
    size_t size;
};

static bool wrong(struct words *w, const char *name, const char *value, const char *want)
{
    (void)snprintf(w->why, w->size, "%s '%s': %s", name, value, want);
    return false;
}

static bool take_number(const char *value, unsigned *out)
{
    unsigned long number;

    if (!text_number(span_of(value), 1000000, &number) || !number)
        return false;
    *out = (unsigned)number;
    return true;
}

#define TIMES "write 2026-11-22, '2026-11-22 14:00' or 7d"

static bool take_valued(struct words *w, const char *name, const char *value)
{
    struct wish *wish = &w->plan->wish;
    time_t now = (time_t)clock_now();

    if (!strcmp(name, "-c"))
        w->plan->conf = value;
    else if (!strcmp(name, "--html"))
        w->plan->html = value;
    else if (!strcmp(name, "--source"))
        wish_source(wish, value);
    else if (!strcmp(name, "--domain"))
        return wish_domain(wish, value, w->why, w->size);
    else if (!strcmp(name, "--since"))
        return wish_time(value, now, false, &wish->since) || wrong(w, name, value, TIMES);
    else if (!strcmp(name, "--until"))
        return wish_time(value, now, true, &wish->until) || wrong(w, name, value, TIMES);
    else if (!strcmp(name, "--top"))
        return take_number(value, &wish->top) || wrong(w, name, value, "a number from 1 on");
    else if (!strcmp(name, "--at-least"))
        return take_number(value, &wish->messages) || wrong(w, name, value, "messages, 1 or more");
    else
        return wish_days(value, &wish->days) || wrong(w, name, value, "days, such as 14d");
    return true;
}

static bool is_valued(const char *name)
{
    static const char *const names[] = {"-c",       "--html",     "--source",
                                        "--domain", "--since",    "--until",
                                        "--top",    "--at-least", "--required-after"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

static bool take_word(struct words *w, int argc, char **argv, int *at)
{
    const char *word = argv[(*at)++];

    if (is_valued(word)) {
        if (*at < argc)
            return take_valued(w, word, argv[(*at)++]);
        (void)snprintf(w->why, w->size, "%s needs a value", word);
        return false;
    }
    if (!strcmp(word, "--json")) {
        w->plan->json = true;
        return true;
    }
    if (*word == '-' && word[1]) {
        (void)snprintf(w->why, w->size, "%s is not an option", word);
        return false;
    }
    return file_list_add(&w->plan->files, word, w->why, w->size);
}

bool report_words(struct report_plan *p, int argc, char **argv, char *why, size_t size)
{
    struct words w = {p, why, size};

    *p = (struct report_plan){.conf = NULL};
    wish_init(&p->wish);
    for (int at = 1; at < argc;)
        if (!take_word(&w, argc, argv, &at))
            return false;
    if (p->wish.since && p->wish.until && p->wish.since >= p->wish.until) {
        (void)snprintf(why, size, "--since is not before --until");
        return false;
    }
    return true;
}

void report_plan_clear(struct report_plan *p)
{
    wish_clear(&p->wish);
    file_list_clear(&p->files);
}
