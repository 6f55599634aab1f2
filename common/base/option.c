/* SPDX-License-Identifier: Apache-2.0 */
#include "base/option.h"

#include <ctype.h>
#include <stdio.h>

struct unit {
    char letter;
    unsigned long worth;
};

static const struct unit size_units[] = {
    {'b', 1}, {'k', 1UL << 10}, {'m', 1UL << 20}, {'g', 1UL << 30}, {'t', 1UL << 40}, {0},
};

static const struct unit time_units[] = {
    {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}, {0},
};

static const struct unit no_units[] = {{0}};

/* Takes the digits at the front of `s`. */
static bool take_number(struct span *s, unsigned long *out)
{
    size_t n = 0;

    for (*out = 0; n < s->len && isdigit((unsigned char)s->at[n]); n++)
        if (__builtin_mul_overflow(*out, 10UL, out) ||
            __builtin_add_overflow(*out, (unsigned long)(s->at[n] - '0'), out))
            return false;
    *s = span_after(*s, n);
    return n > 0;
}

/* Takes one letter of `units`; behind a bare number there is none, and it is worth 1. */
static bool take_unit(struct span *s, const struct unit *units, unsigned long *worth)
{
    *worth = 1;
    if (!s->len)
        return true;
    for (; units->letter; units++) {
        if (tolower((unsigned char)s->at[0]) == units->letter) {
            *worth = units->worth;
            *s = span_after(*s, 1);
            return true;
        }
    }
    return false;
}

/* "10", "10k", and, if it may be a sum, "1d12h". */
static bool read_quantity(struct span s, const struct unit *units, bool sum, unsigned long *out)
{
    unsigned long number, worth;

    *out = 0;
    do {
        if (!take_number(&s, &number) || !take_unit(&s, units, &worth) ||
            __builtin_mul_overflow(number, worth, &number) ||
            __builtin_add_overflow(*out, number, out))
            return false;
    } while (sum && s.len);
    return !s.len;
}

static bool read_word(const char *words, struct span text, unsigned long *out)
{
    struct span rest = span_of(words);

    for (*out = 0; rest.len; ++*out) {
        struct span word = span_cut(&rest, ' ');

        if (word.len == text.len && !strncasecmp(word.at, text.at, word.len))
            return true;
    }
    return false;
}

struct span option_word(const struct option *o, unsigned number)
{
    struct span rest = span_of(o->words), word = span_cut(&rest, ' ');

    while (number-- > 0)
        word = span_cut(&rest, ' ');
    return word;
}

unsigned option_line(const struct option_head *head, size_t row)
{
    return head->lines && head->lines[row] ? head->lines[row] : head->line;
}

static bool read_flag(struct span text, unsigned long *out)
{
    *out = span_is_nocase(text, "yes") || span_is_nocase(text, "true");
    return *out || span_is_nocase(text, "no") || span_is_nocase(text, "false");
}

static bool read_size(struct span text, unsigned long *out)
{
    if (!span_is_nocase(text, "unlimited"))
        return read_quantity(text, size_units, false, out);
    *out = 0;
    return true;
}

static bool read_time(const struct option *o, struct span text, unsigned long *out)
{
    if (!o->words || !span_is_nocase(text, o->words))
        return read_quantity(text, time_units, true, out);
    *out = 0;
    return true;
}

static bool read_as(const struct option *o, struct span text, unsigned long *out)
{
    switch (o->kind) {
    case OPTION_FLAG:
        return read_flag(text, out);
    case OPTION_WORD:
        return read_word(o->words, text, out);
    case OPTION_COUNT:
        return read_quantity(text, no_units, false, out);
    case OPTION_SIZE:
        return read_size(text, out);
    case OPTION_TIME:
        return read_time(o, text, out);
    case OPTION_TEXT:
    case OPTION_PATH:
    case OPTION_FILE:
    case OPTION_LIST:
    case OPTION_NETS:
    case OPTION_FILES:
    case OPTION_CERTS:
        break;
    }
    return false;
}

bool option_read(const struct option *o, struct span text, void *into)
{
    char *at = (char *)into + o->offset;
    unsigned long number;

    if (!read_as(o, text, &number) || number < o->least || (o->most && number > o->most))
        return false;
    if (o->kind == OPTION_FLAG)
        *(bool *)at = number;
    else if (o->kind == OPTION_WORD)
        *(unsigned *)at = (unsigned)number;
    else
        *(unsigned long *)at = number;
    return true;
}

void option_defaults(const struct option *options, void *into)
{
    for (const struct option *o = options; o->name; o++) {
        void *at = (char *)into + o->offset;

        memset(at, 0, o->size);
        if (o->kind == OPTION_TEXT || o->kind == OPTION_PATH || o->kind == OPTION_FILE)
            *(const char **)at = o->fallback;
        else if (!option_read(o, span_of(o->fallback), into))
            continue; /* a list */
    }
}

static uint64_t option_bit(const struct option *options, const struct option *o)
{
    return UINT64_C(1) << (o - options);
}

void option_merge(const struct option *options, void *into, const void *from)
{
    struct option_head *head = into;
    const struct option_head *over = from;
    uint64_t set = head->set | over->set;

    for (const struct option *o = options; o->name; o++)
        if (over->set & option_bit(options, o))
            memcpy((char *)into + o->offset, (const char *)from + o->offset, o->size);
    *head = *over;
    head->set = set;
}

bool option_is_set(const struct option *options, const struct option_head *head, size_t offset)
{
    for (const struct option *o = options; o->name; o++)
        if (o->offset == offset)
            return head->set & option_bit(options, o);
    return false;
}

void option_files(const struct option *options, const void *of, option_file_fn *visit, void *arg)
{
    for (const struct option *o = options; o->name; o++) {
        const void *at = (const char *)of + o->offset;
        const struct texts *files = at;
        const struct cert_files *certs = at;
        const char *file = o->kind == OPTION_FILE ? *(const char *const *)at : "";

        if (*file)
            visit(arg, o, file);
        for (size_t i = 0; o->kind == OPTION_FILES && i < files->count; i++)
            visit(arg, o, files->at[i]);
        for (size_t i = 0; o->kind == OPTION_CERTS && i < certs->count; i++)
            visit(arg, o, certs->at[i].file);
    }
}

void option_say_twins(const char *kind, const struct option_head *a, const struct option_head *b,
                      char *why, size_t size)
{
    const struct option_head *first = a->line > b->line ? b : a, *second = first == a ? b : a;

    snprintf(why, size, "%s:%u: %s %s: is there twice, first in %s:%u; make one of them",
             second->file, second->line, kind, second->title, first->file, first->line);
}

bool networks_has(const struct networks *n, const struct addr *a)
{
    for (size_t i = 0; i < n->count; i++)
        if (network_has(&n->at[i], a))
            return true;
    return false;
}
