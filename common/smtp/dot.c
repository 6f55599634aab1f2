/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/dot.h"

#include "smtp/crlf.h"

void dot_init(struct dot *d, enum dot_bare bare)
{
    *d = (struct dot){.bare = bare};
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
        size_t plain = crlf_run(bytes + *seen, len - *seen, d->in_line ? 'x' : '\n', '.');

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
