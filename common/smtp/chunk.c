/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/chunk.h"

#include "base/match.h"
#include "base/text.h"

void chunk_init(struct chunk *c)
{
    *c = (struct chunk){.left = 0};
}

bool chunk_read(struct chunk *c, struct span arg)
{
    unsigned long octets;
    struct span count = span_cut(&arg, ' ');

    while (arg.len && arg.at[0] == ' ')
        arg = span_after(arg, 1);
    if (!text_number(count, CHUNK_MOST, &octets) || (arg.len && !span_is_nocase(arg, "LAST")))
        return false;
    c->left = octets;
    c->last = arg.len > 0;
    return true;
}

/* Which of 64 bytes need a closer look: NUL, LF without CR before it, and what follows a CR and
 * is no LF. */
static uint64_t suspects(const char *block, uint64_t *after_cr)
{
    struct match m = match_load(block);
    uint64_t cr = match_byte(&m, '\r'), behind = cr << 1 | *after_cr;

    *after_cr = cr >> 63;
    return (behind ^ match_byte(&m, '\n')) | match_byte(&m, '\0');
}

/* How many bytes at the front are in order: up to one that is not, or a CR whose LF is not
 * there. */
static size_t clean_part(const char *bytes, size_t len)
{
    uint64_t found = 0, after_cr = 0;
    size_t at = 0;

    for (; !found && len - at >= MATCH_BYTES; at += found ? 0 : MATCH_BYTES)
        found = suspects(bytes + at, &after_cr);
    if (!found && at < len) {
        char last[MATCH_BYTES];

        memset(last, 'x', sizeof last);
        memcpy(last, bytes + at, len - at);
        found = suspects(last, &after_cr);
    }
    size_t clean = found ? at + (size_t)__builtin_ctzll(found) : len;

    return clean > 0 && bytes[clean - 1] == '\r' ? clean - 1 : clean;
}

/* A CR and no more of these bytes: may it still become a CRLF? */
static bool may_go_on(const struct chunk *c, const char *at, size_t left_here, size_t left)
{
    return *at == '\r' && left_here == 1 && (left > 1 || !c->last);
}

static bool scan(struct chunk *c, enum dot_bare bare, char *bytes, size_t len, size_t *seen)
{
    while (*seen < len) {
        *seen += clean_part(bytes + *seen, len - *seen);
        if (*seen == len)
            break;
        if (may_go_on(c, bytes + *seen, len - *seen, c->left - *seen)) {
            c->after_cr = c->left - *seen == 1;
            *seen += c->after_cr;
            break;
        }
        if (bare == DOT_REJECT)
            return false;
        bytes[(*seen)++] = ' ';
    }
    return true;
}

bool chunk_scan(struct chunk *c, enum dot_bare bare, char *bytes, size_t len, size_t *seen)
{
    bool well = true;

    *seen = 0;
    if (len > 0 && c->after_cr) {
        c->after_cr = false;
        well = bytes[0] == '\n';
        *seen = well;
    }
    well = well && scan(c, bare, bytes, len, seen);
    c->left -= *seen;
    return well;
}

bool chunk_is_whole(const struct chunk *c)
{
    return !c->after_cr;
}
