/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/header.h"

#include <stdlib.h>

enum { NOT_WANTED = HEADER_MOST };

/* One bit for each letter, in whatever case; others may share it. */
static uint32_t bit_of(char first)
{
    return (uint32_t)1 << (first & 31);
}

/* Not by a literal, which would be 700 bytes for each message. */
void header_init(struct header *h, const struct span *wanted, size_t count)
{
    h->is = count > 0 ? HEADER_BEGINS : HEADER_OVER;
    h->wanted = wanted;
    h->count = h->missing = count;
    h->seen = h->len = 0;
    h->firsts = 0;
    h->field = NOT_WANTED;
    for (size_t i = 0; i < count; i++) {
        h->firsts |= bit_of(wanted[i].at[0]);
        h->value[i] = NULL;
    }
}

void header_clear(struct header *h)
{
    for (size_t i = 0; i < h->count; i++)
        free(h->value[i]);
    header_init(h, NULL, 0);
}

const char *header_value(const struct header *h, size_t at)
{
    return at < h->count ? h->value[at] : NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Of what is wanted and not found yet. Before the colon there may be blanks (RFC 5322, 4.5). */
static size_t find(const struct header *h, struct span name)
{
    while (name.len > 0 && is_blank(name.at[name.len - 1]))
        name.len--;
    for (size_t i = 0; i < h->count; i++)
        if (h->wanted[i].len == name.len && !h->value[i] &&
            !strncasecmp(h->wanted[i].at, name.at, name.len))
            return i;
    return NOT_WANTED;
}

/* What fits, without the blanks that the value begins with. */
static void take(struct header *h, struct span s)
{
    size_t room;

    while (h->len == 0 && s.len > 0 && is_blank(*s.at))
        s = span_after(s, 1);
    room = sizeof h->text - h->len;
    if (s.len > room)
        s.len = room;
    memcpy(h->text + h->len, s.at, s.len);
    h->len += s.len;
}

/* The field is whole. Without memory it is as if it were not there. */
static void keep(struct header *h)
{
    char *value;

    if (h->field == NOT_WANTED)
        return;
    for (size_t i = 0; i < h->len; i++)
        if (h->text[i] == '\t' || h->text[i] == '\0')
            h->text[i] = ' ';
    while (h->len > 0 && (h->text[h->len - 1] == ' ' || h->text[h->len - 1] == '\r'))
        h->len--;
    value = strndup(h->text, h->len);
    h->value[h->field] = value;
    h->field = NOT_WANTED;
    h->len = 0;
    if (value && --h->missing == 0)
        h->is = HEADER_OVER;
}

/* Behind the whole lines that are not wanted: nearly all are passed over here. */
static struct span pass(const struct header *h, struct span s)
{
    const char *end;

    while (s.len > 0 && *s.at != '\r' && *s.at != '\n' && !(h->firsts & bit_of(*s.at)) &&
           (end = memchr(s.at, '\n', s.len)))
        s = span_after(s, (size_t)(end - s.at) + 1);
    return s;
}

/* Nothing of a line is taken yet; a line that begins with a blank belongs to the one before. */
static void begin_line(struct header *h, char first)
{
    if (is_blank(first)) {
        h->is = h->field == NOT_WANTED ? HEADER_SKIPS : HEADER_TAKES;
        return;
    }
    keep(h);
    if (first == '\r' || first == '\n')
        h->is = HEADER_OVER;
    if (h->is == HEADER_OVER)
        return;
    h->is = HEADER_NAMES;
    h->len = 0;
}

/* Up to the colon; how much of `s` is taken. A line without one, or with a name that is too long,
 * means nothing. */
static size_t name_line(struct header *h, struct span s)
{
    size_t room = HEADER_NAME - h->len, most = s.len < room ? s.len : room;
    const char *colon = memchr(s.at, ':', most);
    const char *end = memchr(s.at, '\n', colon ? (size_t)(colon - s.at) : most);
    size_t len = end || !colon ? most : (size_t)(colon - s.at);
    struct span name = {s.at, len};

    if (end || (!colon && most == room)) {
        h->is = HEADER_SKIPS;
        return 0;
    }
    if (h->len > 0 || !colon) {
        memcpy(h->text + h->len, s.at, len);
        h->len += len;
        name = (struct span){h->text, h->len};
    }
    if (!colon)
        return len;
    h->field = find(h, name);
    h->len = 0;
    h->is = h->field == NOT_WANTED ? HEADER_SKIPS : HEADER_TAKES;
    return len + 1;
}

/* The rest of a line, or what is there of it. */
static size_t go_on_line(struct header *h, struct span s)
{
    const char *end = memchr(s.at, '\n', s.len);
    size_t len = end ? (size_t)(end - s.at) : s.len;

    if (h->is == HEADER_TAKES) {
        take(h, (struct span){s.at, len});
        if (end && h->len > 0 && h->text[h->len - 1] == '\r')
            h->len--;
    }
    if (end)
        h->is = HEADER_BEGINS;
    return len + (end != NULL);
}

void header_feed(struct header *h, struct span s)
{
    if (h->is == HEADER_OVER)
        return;
    if (s.len > HEADER_BOUND - h->seen)
        s.len = HEADER_BOUND - h->seen;
    h->seen += s.len;
    while (s.len > 0 && h->is != HEADER_OVER) {
        if (h->is == HEADER_BEGINS && h->field == NOT_WANTED && (s = pass(h, s)).len == 0)
            break;
        if (h->is == HEADER_BEGINS)
            begin_line(h, *s.at);
        else
            s = span_after(s, h->is == HEADER_NAMES ? name_line(h, s) : go_on_line(h, s));
    }
    if (h->seen == HEADER_BOUND)
        header_end(h);
}

void header_end(struct header *h)
{
    if (h->is != HEADER_OVER)
        keep(h);
    h->is = HEADER_OVER;
}

void header_field(struct header *h, struct span name, struct span value)
{
    if (h->is == HEADER_OVER || (h->field = find(h, name)) == NOT_WANTED)
        return;
    h->len = 0;
    while (value.len > 0) {
        struct span line = span_cut(&value, '\n');

        if (line.len > 0 && line.at[line.len - 1] == '\r')
            line.len--;
        take(h, line);
    }
    keep(h);
}
