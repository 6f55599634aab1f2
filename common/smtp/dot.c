/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/dot.h"

#include "base/match.h"

void dot_init(struct dot *d, enum dot_bare bare)
{
    *d = (struct dot){.bare = bare};
}

/* Which of the bytes at `at` need a closer look: NUL, LF without CR before it, what follows a
 * CR and is no LF, and a dot behind LF. at[-1] is looked at too. */
static match_bytes suspects(const char *at)
{
    match_bytes here = match_load(at), before = match_load(at - 1);

    return (match_is(here, '\n') ^ match_is(before, '\r')) | match_is(here, '\0') |
           (match_is(here, '.') & match_is(before, '\n'));
}

enum { STEP = 4 * MATCH_BYTES };

/* Is there a suspect in the STEP bytes at `at`? The usual answer is no: so ask for all at once. */
static bool is_suspect(const char *at)
{
    return match_any((suspects(at) | suspects(at + MATCH_BYTES)) |
                     (suspects(at + 2 * MATCH_BYTES) | suspects(at + 3 * MATCH_BYTES)));
}

static size_t first_suspect(const char *at)
{
    for (size_t i = 0;; i += MATCH_BYTES) {
        match_bytes found = suspects(at + i);

        if (match_any(found))
            return i + match_first(found);
    }
}

/* Where the first suspect is, or `len`, in few bytes or with nothing before them: a copy is
 * made that has what it needs around it. A CR at the very end is followed by a suspect. */
static size_t look_apart(const char *bytes, size_t len, char before)
{
    char copy[1 + STEP];

    memset(copy, 'x', sizeof copy);
    copy[0] = before;
    memcpy(copy + 1, bytes, len < STEP ? len : STEP);
    if (!is_suspect(copy + 1))
        return len < STEP ? len : STEP;
    return first_suspect(copy + 1);
}

/* Where the first suspect behind `from` is, or `len`: at least a STEP is there, and a byte
 * before it. The last STEP may be looked at in part once more: that finds nothing new. */
static size_t look_on(const char *bytes, size_t from, size_t len)
{
    while (len - from > STEP && !is_suspect(bytes + from))
        from += STEP;
    if (len - from < STEP)
        from = len - STEP;
    return is_suspect(bytes + from) ? from + first_suspect(bytes + from) : len;
}

/* Where the plain message from `from` on ends: whole lines, and what has begun of the last
 * one, up to the first suspect or a CR whose LF is not there. */
static size_t plain_end(const char *bytes, size_t from, size_t len, bool in_line)
{
    bool apart = from == 0 || len - from < STEP;
    size_t at = from;

    if (apart)
        at += look_apart(bytes + from, len - from, in_line ? 'x' : '\n');
    if (!apart || (at - from == STEP && at < len))
        at = look_on(bytes, at, len);
    return at > from && bytes[at - 1] == '\r' ? at - 1 : at;
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
        size_t end = plain_end(bytes, *seen, len, d->in_line);

        if (end > *seen)
            d->in_line = bytes[end - 1] != '\n';
        *seen = end;
        if (end == len)
            break;
        switch (look_at(bytes + end, len - end, d->in_line)) {
        case IS_END:
            return DOT_END;
        case IS_HELD:
            return DOT_MORE;
        case IS_BARE:
            if (d->bare == DOT_REJECT)
                return DOT_BARE;
            bytes[end] = ' ';
            break;
        case IS_TEXT:
            break;
        }
        ++*seen;
        d->in_line = true;
    }
    return DOT_MORE;
}
