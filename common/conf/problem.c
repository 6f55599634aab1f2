/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/problem.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LINE = 1536, NAME = 48 };

void problem_start(struct problems *p, char *why, size_t size)
{
    *p = (struct problems){.why = why, .size = size};
    if (size)
        *why = '\0';
}

void problem_add_line(struct problems *p, const char *line)
{
    size_t len = strlen(line), sign = p->count > 0;

    p->count++;
    if (p->used + sign + len >= p->size)
        return;
    if (sign)
        p->why[p->used++] = '\n';
    memcpy(p->why + p->used, line, len + 1);
    p->used += len;
}

void problem_add(struct problems *p, const char *file, unsigned line, const char *name,
                 const char *fmt, ...)
{
    char text[LINE], place[16] = "", whole[2 * LINE];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (line)
        snprintf(place, sizeof place, ":%u", line);
    snprintf(whole, sizeof whole, "%s%s: %s%s%s", file, place, name ? name : "", name ? ": " : "",
             text);
    problem_add_line(p, whole);
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How far apart two names are: letters to change, add, drop or swap (optimal string alignment);
 * case is nothing. Longer names count by their beginnings. */
static unsigned distance(const char *a, const char *b)
{
    static const unsigned far = NAME;
    unsigned d[NAME + 1][NAME + 1];
    size_t m = strnlen(a, NAME), n = strnlen(b, NAME);

    for (size_t i = 0; i <= m; i++) {
        for (size_t k = 0; k <= n; k++) {
            int ca = i ? tolower((unsigned char)a[i - 1]) : 0;
            int cb = k ? tolower((unsigned char)b[k - 1]) : 0;
            unsigned best = i || k ? far : 0;

            if (i)
                best = least(best, d[i - 1][k] + 1);
            if (k)
                best = least(best, d[i][k - 1] + 1);
            if (i && k)
                best = least(best, d[i - 1][k - 1] + (ca != cb));
            if (i > 1 && k > 1 && ca == tolower((unsigned char)b[k - 2]) &&
                cb == tolower((unsigned char)a[i - 2]))
                best = least(best, d[i - 2][k - 2] + 1);
            d[i][k] = best;
        }
    }
    return d[m][n];
}

/* The same words with others before them: tls-offload of a section is smtp-server-tls-offload
 * outside. */
static bool is_rest(const char *rest, const char *name)
{
    size_t n = strlen(rest), all = strlen(name);

    return strchr(rest, '-') && all > n && name[all - n - 1] == '-' &&
           strcasecmp(name + all - n, rest) == 0;
}

/* A rest is as far as two letters. */
static unsigned apart(const char *a, const char *b)
{
    return is_rest(a, b) || is_rest(b, a) ? 2 : distance(a, b);
}

void name_suggest(const char *word, const char *candidate, const char **best)
{
    unsigned most = *best ? apart(word, *best) : (unsigned)strlen(word) / 3 + 2;

    if (apart(word, candidate) < most)
        *best = candidate;
}
