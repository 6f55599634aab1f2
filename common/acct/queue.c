/* SPDX-License-Identifier: Apache-2.0 */
#include "acct/queue.h"

#include <ctype.h>

static bool begins_not(struct span pattern)
{
    return pattern.len > 0 && pattern.at[0] == '!';
}

bool queue_is_pattern(struct span text)
{
    struct span vmta = span_after(text, begins_not(text)), domain = span_cut(&vmta, '/');

    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.at[i] <= ' ' || (unsigned char)text.at[i] > '~')
            return false;
    }
    return domain.len > 0 && vmta.len > 0 && !memchr(vmta.at, '/', vmta.len);
}

/* The last * takes one byte more when what is behind it does not match; earlier ones need not,
 * since the last can take all that they could. */
static bool matches(struct span pattern, struct span text)
{
    size_t p = 0, t = 0, star = (size_t)-1, taken = 0;

    while (t < text.len) {
        if (p < pattern.len && pattern.at[p] == '*') {
            star = p++;
            taken = t;
        } else if (p < pattern.len &&
                   tolower((unsigned char)pattern.at[p]) == tolower((unsigned char)text.at[t])) {
            p++;
            t++;
        } else if (star != (size_t)-1) {
            p = star + 1;
            t = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.at[p] == '*')
        p++;
    return p == pattern.len;
}

bool queue_passes(struct texts patterns, struct span queue)
{
    struct span domain;

    if (patterns.count == 0)
        return true;
    domain = span_cut(&queue, '/');
    for (size_t i = 0; i < patterns.count; i++) {
        struct span pattern = span_of(patterns.at[i]);
        bool out = begins_not(pattern);
        struct span vmta = span_after(pattern, out);

        if (matches(span_cut(&vmta, '/'), domain) && matches(vmta, queue))
            return !out;
    }
    return false;
}
