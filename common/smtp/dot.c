/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/dot.h"

#include "base/match.h"

void dot_init(struct dot *d, enum dot_bare bare)
{
    *d = (struct dot){.bare = bare};
}

/* What a block leaves for the next: bit 0 of each is about the byte before it. */
struct edge {
    uint64_t after_cr, after_line;
};

/* Which of 64 bytes need a closer look: NUL, LF without CR before it, what follows a CR
 * and is no LF, and a dot at the start of a line. */
static uint64_t suspects(const char *block, struct edge *edge)
{
    struct match m = match_load(block);
    uint64_t cr = match_byte(&m, '\r'), lf = match_byte(&m, '\n');
    uint64_t after_cr = cr << 1 | edge->after_cr;
    uint64_t after_line = (lf & after_cr) << 1 | edge->after_line;

    edge->after_cr = cr >> 63;
    edge->after_line = (lf & after_cr) >> 63;
    return (after_cr ^ lf) | (after_line & match_byte(&m, '.')) | match_byte(&m, '\0');
}

/* How many bytes at the front are plain message: whole lines, and what has begun of the
 * last one, up to the first suspect or a CR whose LF is not there. */
static size_t plain_part(const char *bytes, size_t len, bool in_line)
{
    struct edge edge = {.after_line = !in_line};
    uint64_t found = 0;
    size_t at = 0;

    for (; !found && len - at >= MATCH_BYTES; at += found ? 0 : MATCH_BYTES)
        found = suspects(bytes + at, &edge);
    if (!found && at < len) {
        char last[MATCH_BYTES];

        memset(last, 'x', sizeof last);
        memcpy(last, bytes + at, len - at);
        found = suspects(last, &edge);
    }
    size_t plain = found ? at + (size_t)__builtin_ctzll(found) : len;

    return plain > 0 && bytes[plain - 1] == '\r' ? plain - 1 : plain;
}

enum finding { IS_TEXT, IS_BARE, IS_HELD, IS_END };

/* What is the byte where the plain part stopped? */
static enum finding look_at(const char *at, size_t left, bool in_line)
{
    bool dot = !in_line && at[0] == '.';
    size_t cr = dot; /* where the CR of a line's end would be */

    if (left > cr && at[cr] != '\r')
        return dot ? IS_TEXT : IS_BARE;
    if (left <= cr + 1)
        return IS_HELD;
    if (at[cr + 1] == '\n')
        return dot ? IS_END : IS_TEXT;
    return dot ? IS_TEXT : IS_BARE;
}

enum dot_verdict dot_scan(struct dot *d, char *bytes, size_t len, size_t *seen)
{
    for (*seen = 0; *seen < len;) {
        size_t plain = plain_part(bytes + *seen, len - *seen, d->in_line);

        *seen += plain;
        if (plain > 0)
            d->in_line = bytes[*seen - 1] != '\n';
        if (*seen == len)
            break;
        switch (look_at(bytes + *seen, len - *seen, d->in_line)) {
        case IS_END:
            return DOT_END;
        case IS_HELD:
            return DOT_MORE;
        case IS_BARE:
            if (d->bare == DOT_REJECT)
                return DOT_BARE;
            bytes[*seen] = ' ';
            break;
        case IS_TEXT:
            d->stuffed += !d->in_line && bytes[*seen] == '.';
            break;
        }
        ++*seen;
        d->in_line = true;
    }
    return DOT_MORE;
}
