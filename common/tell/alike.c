/* SPDX-License-Identifier: Apache-2.0 */
#include "tell/alike.h"

#include <stdint.h>
#include <stdlib.h>

/* What is longer is not remembered. */
enum { ALIKE = 1024 };

/* Where a column's value is in the text. */
struct value {
    unsigned char column;
    unsigned short at, len;
};

/* The last bytes of a line, from ,"type":"r" to its } : columns and nothing else, which are in no
 * other place of that line. */
struct known {
    uint64_t number; /* 0: nothing is here */
    uint64_t columns;
    size_t len, count;
    char text[ALIKE];
    struct value value[COLUMN_COUNT];
};

struct alike {
    uint64_t last; /* number that was given */
    struct known place[ALIKE_PLACES];
    char front[RECORD_MAX]; /* of a line, as a line of its own */
};

_Static_assert(COLUMN_COUNT <= 64, "a bit for each column");

static const struct span type_start = SPAN(",\"type\":\""), type = SPAN(",\"type\":\"r\"");

struct alike *alike_new(void)
{
    return calloc(1, sizeof(struct alike));
}

void alike_free(struct alike **a)
{
    free(*a);
    *a = NULL;
}

/* Of the digits at the end of a session's id, which count up in base 36 (base/id.h): sessions that
 * began one after another have places of their own. `line` ends in them and in "}; if it does not,
 * any place will do. */
static size_t place_of(struct span line)
{
    enum { DIGITS = 3, END = 2 };
    size_t number = 0;

    for (size_t i = DIGITS + END; i > END && line.len >= DIGITS + END; i--) {
        unsigned char c = (unsigned char)line.at[line.len - i];

        number = number * 36 + (size_t)(c <= '9' ? c - '0' : c - 'A' + 10);
    }
    return number % ALIKE_PLACES;
}

static bool ends_in(struct span line, const struct known *known)
{
    return known->number > 0 && line.len > known->len && line.len < RECORD_MAX &&
           memcmp(line.at + line.len - known->len, known->text, known->len) == 0;
}

/* What stands before is a line of its own once it ends as one; then these columns follow, which it
 * must not have. */
static bool read_front(struct alike *a, struct span line, const struct known *known,
                       struct record *out, struct record_memory **memory)
{
    size_t len = line.len - known->len;
    bool once = true;

    memcpy(a->front, line.at, len);
    a->front[len] = '}';
    if (!record_read((struct span){a->front, len + 1}, out, memory))
        return false;
    for (size_t i = 0; i < known->count; i++) {
        const struct value *v = &known->value[i];

        once = once && !out->column[v->column].at;
        out->column[v->column] = (struct span){known->text + v->at, v->len};
    }
    if (!once || out->what != RECORD_RECEIVED)
        record_forget(memory);
    return once && out->what == RECORD_RECEIVED;
}

static bool is_in(struct span all, struct span part)
{
    uintptr_t from = (uintptr_t)all.at, at = (uintptr_t)part.at;

    return at >= from && at < from + all.len;
}

/* From its type on; "" if that is none or another, or stands in front. */
static struct span tail_of(struct span line, const struct record *r)
{
    struct span tail = r->column[COLUMN_type];

    if (r->what != RECORD_RECEIVED || !is_in(line, tail))
        return SPAN("");
    tail.at -= type_start.len;
    tail.len = (size_t)(line.at + line.len - tail.at);
    if (tail.len > ALIKE || !span_starts(tail, type.at) || is_in(tail, r->column[COLUMN_queueId]))
        return SPAN("");
    return tail;
}

/* Remembers the end of a line that was read, if all of it is columns as they stand there. */
static void remember(struct alike *a, struct known *here, struct span line, struct record *r)
{
    struct span tail = tail_of(line, r);
    size_t covered = 1;

    here->number = here->columns = here->count = 0;
    for (unsigned c = 0; c < COLUMN_COUNT && tail.len > 0; c++) {
        struct span s = r->column[c];

        if (!is_in(tail, s))
            continue;
        here->value[here->count++] = (struct value){
            (unsigned char)c, (unsigned short)(s.at - tail.at), (unsigned short)s.len};
        here->columns |= (uint64_t)1 << c;
        covered += strlen(column_name(c)) + sizeof ",\"\":\"\"" - 1 + s.len;
    }
    if (covered != tail.len)
        return;
    memcpy(here->text, tail.at, tail.len);
    here->len = tail.len;
    here->number = ++a->last;
}

bool alike_read(struct alike *a, struct span line, struct record *out,
                struct record_memory **memory)
{
    size_t place = place_of(line);
    struct known *here = &a->place[place];

    if (!ends_in(line, here) || !read_front(a, line, here, out, memory)) {
        if (!record_read(line, out, memory))
            return false;
        remember(a, here, line, out);
    }
    out->alike = (struct record_alike){here->number, here->columns, place};
    return true;
}
