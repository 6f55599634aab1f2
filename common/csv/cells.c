/* SPDX-License-Identifier: Apache-2.0 */
#include "csv/cells.h"

/* Each bit becomes whether an odd number of bits is set up to it. */
static uint64_t odd_so_far(uint64_t bits)
{
    for (unsigned shift = 1; shift < 64; shift *= 2)
        bits ^= bits << shift;
    return bits;
}

static void add_ends(struct cells *c, uint64_t commas, uint32_t at)
{
    if (c->count + MATCH_BYTES > CELLS_MAX) {
        for (; commas; commas &= commas - 1) {
            if (c->count < CELLS_MAX)
                c->end[c->count] = at + (uint32_t)__builtin_ctzll(commas);
            c->count++;
        }
        return;
    }
    for (; commas; commas &= commas - 1)
        c->end[c->count++] = at + (uint32_t)__builtin_ctzll(commas);
}

static void add_last(struct cells *c, const char *at, uint32_t lf)
{
    uint32_t from = c->count && c->count <= CELLS_MAX ? c->end[c->count - 1] + 1 : 0;
    bool cr = lf > from && at[lf - 1] == '\r';

    add_ends(c, 1, lf - cr);
    c->length = lf + 1;
}

bool cells_split(const char *at, size_t len, struct cells *out)
{
    uint64_t inside = 0; /* all ones: between quotes */

    out->count = out->lines = 0;
    for (uint32_t from = 0; from < len; from += MATCH_BYTES) {
        struct match m = match_load(at + from);
        uint64_t here = len - from < MATCH_BYTES ? ((uint64_t)1 << (len - from)) - 1 : ~(uint64_t)0;
        uint64_t quotes = match_byte(&m, '"') & here, ends = match_byte(&m, '\n') & here;
        uint64_t commas = match_byte(&m, ',') & here;

        if (quotes | inside) {
            uint64_t within = odd_so_far(quotes) ^ inside, open = ends & ~within;

            commas &= ~within;
            if (open)
                ends &= open ^ (open - 1);
            out->lines += (uint32_t)__builtin_popcountll(ends & within);
            inside = within >> 63 ? ~(uint64_t)0 : 0;
            ends = open;
        }
        if (ends)
            commas &= ends ^ (ends - 1);
        add_ends(out, commas, from);
        if (ends) {
            add_last(out, at, from + (uint32_t)__builtin_ctzll(ends));
            return true;
        }
    }
    return false;
}

/* Without the doubles; where there are any, the rest moves up. */
static struct span undouble(char *at, size_t len)
{
    char *quote = memchr(at, '"', len);
    size_t to = quote ? (size_t)(quote - at) : len;

    for (size_t from = to; from < len; from++) {
        at[to++] = at[from];
        if (at[from] == '"' && from + 1 < len && at[from + 1] == '"')
            from++;
    }
    return (struct span){at, to};
}

struct span cells_value(char *row, const struct cells *c, size_t i)
{
    uint32_t from = i ? c->end[i - 1] + 1 : 0, len = c->end[i] - from;

    if (len < 2 || row[from] != '"' || row[from + len - 1] != '"')
        return (struct span){row + from, len};
    return undouble(row + from + 1, len - 2);
}

static bool is_strict(struct span s)
{
    if (s.len == 0 || *s.at != '"')
        return s.len == 0 || !memchr(s.at, '"', s.len);
    if (s.len < 2 || s.at[s.len - 1] != '"')
        return false;
    for (size_t i = 1; i + 1 < s.len; i++)
        if (s.at[i] == '"' && (++i + 1 >= s.len || s.at[i] != '"'))
            return false;
    return true;
}

bool cells_strict(const char *row, const struct cells *c)
{
    for (size_t i = 0; i < c->count && i < CELLS_MAX; i++)
        if (!is_strict(cells_raw(row, c, i)))
            return false;
    return true;
}
