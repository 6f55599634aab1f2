/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/clock.h"
#include "cli/report/stamp.h"
#include "cli/tlsrpt/course.h"

struct words {
    struct course_plan *plan;
    char *why;
    size_t size;
};

static bool wrong(struct words *w, const char *before, const char *what, const char *behind)
{
    snprintf(w->why, w->size, "%s%s%s", before, what, behind);
    return false;
}

static bool take_day(struct words *w, const char *value)
{
    int64_t day, today = (int64_t)clock_now() / STAMP_DAY;

    if (!stamp_date(span_of(value), &day))
        return wrong(w, "--day '", value, "': write a date, such as 2026-11-21");
    if (day >= today)
        return wrong(w, "--day ", value, " is not over yet (UTC)");
    w->plan->begin = day * STAMP_DAY;
    return true;
}

static bool take_valued(struct words *w, const char *name, const char *value)
{
    if (!strcmp(name, "--day"))
        return take_day(w, value);
    if (!strcmp(name, "-c"))
        w->plan->conf = value;
    else if (!strcmp(name, "--domain"))
        w->plan->domain = value;
    else
        w->plan->output = value;
    return true;
}

static bool is_valued(const char *name)
{
    static const char *const names[] = {"-c", "--day", "--domain", "--output"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

static bool take_word(struct words *w, int argc, char **argv, int *at)
{
    const char *word = argv[(*at)++];

    if (is_valued(word))
        return *at < argc ? take_valued(w, word, argv[(*at)++])
                          : wrong(w, "", word, " needs a value");
    if (!strcmp(word, "--send")) {
        w->plan->send = true;
        return true;
    }
    if (*word == '-' && word[1])
        return wrong(w, "", word, " is not an option");
    return file_list_add(&w->plan->files, word, w->why, w->size);
}

bool course_words(struct course_plan *p, int argc, char **argv, char *why, size_t size)
{
    struct words w = {p, why, size};

    *p = (struct course_plan){.begin = ((int64_t)clock_now() / STAMP_DAY - 1) * STAMP_DAY};
    for (int at = 1; at < argc;)
        if (!take_word(&w, argc, argv, &at))
            return false;
    return !(p->send && p->output) || wrong(&w, "say --send or --output, not both", "", "");
}

void course_plan_clear(struct course_plan *p)
{
    file_list_clear(&p->files);
}
