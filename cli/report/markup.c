/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/markup.h"

#include <string.h>

#include "base/text.h"

#define NARROW "\xe2\x80\xaf" /* U+202F: narrow, does not break */
#define REPLACED "\xef\xbf\xbd"
#define ELLIPSIS "\xe2\x80\xa6"

static uint32_t code_point(struct span character)
{
    static const uint8_t first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = (uint8_t)character.at[0] & first[character.len];

    for (size_t i = 1; i < character.len; i++)
        code = code << 6 | ((uint8_t)character.at[i] & 0x3f);
    return code;
}

/* Controls, and the last two of each plane, which are no characters. */
static bool is_nothing(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code & 0xfffe) == 0xfffe ||
           (code >= 0xfdd0 && code < 0xfdf0);
}

/* Unseen, or turning the direction of others (Unicode 15, general category Cf and the line
 * separators), so that a name could pass for another one. */
static bool is_hidden(uint32_t code)
{
    static const struct {
        uint32_t from, to;
    } ranges[] = {
        {0xad, 0xad},       {0x34f, 0x34f},     {0x61c, 0x61c},     {0x115f, 0x1160},
        {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e},
        {0x2060, 0x206f},   {0x3164, 0x3164},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
        {0xffa0, 0xffa0},   {0xfff9, 0xfffb},   {0x13430, 0x1345f}, {0x1bca0, 0x1bca3},
        {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
    };

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i].from && code <= ranges[i].to)
            return true;
    return false;
}

static const char *reference(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    }
    return NULL;
}

struct character {
    size_t len;
    uint32_t code; /* 0 for a byte that is none */
};

static struct character first_of(struct span s)
{
    size_t len = text_character(s);

    return len ? (struct character){len, code_point((struct span){s.at, len})}
               : (struct character){1, 0};
}

/* How many letters' room it takes, more or less: Asia's are as wide as two. */
static size_t width(struct character c)
{
    return is_hidden(c.code) ? sizeof "[U+202E]" - 1 : c.code >= 0x1100 ? 2 : 1;
}

static void put(FILE *out, struct span s, struct character c)
{
    const char *harmless = reference(*s.at);

    if (harmless)
        fputs(harmless, out);
    else if (is_nothing(c.code))
        fputs(REPLACED, out);
    else if (is_hidden(c.code))
        fprintf(out, "[U+%04X]", (unsigned)c.code);
    else
        fwrite(s.at, 1, c.len, out);
}

/* What of `s` is within `most`; what comes behind it. */
static struct span put_some(FILE *out, struct span s, size_t most)
{
    for (; s.len;) {
        struct character c = first_of(s);

        if (width(c) > most)
            break;
        most -= width(c);
        put(out, s, c);
        s = span_after(s, c.len);
    }
    return s;
}

void markup_text(FILE *out, const char *s)
{
    put_some(out, span_of(s), SIZE_MAX);
}

void markup_lines(FILE *out, const char *s)
{
    for (struct span rest = span_of(s); rest.len;) {
        bool more = memchr(rest.at, '\n', rest.len);

        put_some(out, span_cut(&rest, '\n'), SIZE_MAX);
        if (more)
            fputs("\n", out);
    }
}

static size_t wide(struct span s)
{
    size_t sum = 0;

    while (s.len) {
        struct character c = first_of(s);

        sum += width(c);
        s = span_after(s, c.len);
    }
    return sum;
}

bool markup_is_long(const char *s, size_t most)
{
    return wide(span_of(s)) > most;
}

void markup_cut(FILE *out, const char *s, size_t most)
{
    struct span all = span_of(s);
    size_t head = (most - 1) / 2, tail = most - 1 - head;

    if (wide(all) <= most) {
        put_some(out, all, SIZE_MAX);
        return;
    }
    all = put_some(out, all, head);
    fputs(ELLIPSIS, out);
    while (wide(all) > tail)
        all = span_after(all, first_of(all).len);
    put_some(out, all, SIZE_MAX);
}

void markup_number(FILE *out, uint64_t number)
{
    if (number >= 1000) {
        markup_number(out, number / 1000);
        fprintf(out, NARROW "%03u", (unsigned)(number % 1000));
    } else {
        fprintf(out, "%u", (unsigned)number);
    }
}

void markup_short(FILE *out, uint64_t number)
{
    static const char *const units[] = {"",         NARROW "k", NARROW "M", NARROW "G",
                                        NARROW "T", NARROW "P", NARROW "E"};
    size_t unit = 0;
    unsigned tenths = 0;

    for (; number >= 1000; unit++) {
        tenths = (unsigned)(number % 1000 / 100);
        number /= 1000;
    }
    fprintf(out, "%u", (unsigned)number);
    if (tenths)
        fprintf(out, ".%u", tenths);
    fputs(units[unit], out);
}

void markup_count(FILE *out, uint64_t number, const char *noun)
{
    markup_number(out, number);
    fprintf(out, "\xc2\xa0%s%s", noun, number == 1 ? "" : "s");
}

unsigned markup_tenths(uint64_t part, uint64_t whole)
{
    if (whole == 0 || part == 0)
        return 0;
    if (part >= whole)
        return 1000;

    double exact = 1000.0 * (double)part / (double)whole;
    unsigned tenths = (unsigned)(exact + 0.5);

    return tenths < 1 ? 1 : tenths > 999 ? 999 : tenths;
}

void markup_share(FILE *out, uint64_t part, uint64_t whole)
{
    unsigned tenths = markup_tenths(part, whole);

    if (whole == 0)
        fputs("\xe2\x80\x93", out);
    else
        fprintf(out, "%u.%u" NARROW "%%", tenths / 10, tenths % 10);
}
