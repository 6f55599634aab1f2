/* SPDX-License-Identifier: Apache-2.0 */
#include "sts/sts_policy.h"

#include <stdio.h>

#include "base/text.h"

enum { LABEL_MOST = 63, DOMAIN_MOST = 253, NAME_MOST = 32 };

/* Which of the fields were there. */
enum { SAW_VERSION = 1, SAW_MODE = 2, SAW_MAX_AGE = 4, SAW_ALL = 7 };

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_name(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_letter_or_digit(s.at[i]) && (i == 0 || !s.at[i] || !strchr("_-.", s.at[i])))
            return false;
    return s.len > 0 && s.len <= NAME_MOST;
}

static bool is_domain(struct span s)
{
    size_t label = 0;

    if (s.len == 0 || s.len > DOMAIN_MOST)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == '.' && label == 0)
            return false;
        if (s.at[i] != '.' && !is_letter_or_digit(s.at[i]) && s.at[i] != '-' && s.at[i] != '_')
            return false;
        label = s.at[i] == '.' ? 0 : label + 1;
        if (label > LABEL_MOST)
            return false;
    }
    return label > 0;
}

static bool take_mx(struct span value, struct sts_policy *p)
{
    bool is_wild = value.len > 2 && memcmp(value.at, "*.", 2) == 0;
    char *to;

    if (p->count == STS_POLICY_MX || !is_domain(span_after(value, is_wild ? 2 : 0)))
        return false;
    to = p->mx[p->count++];
    text_copy(to, STS_POLICY_NAME, value);
    for (; *to; to++)
        if (*to >= 'A' && *to <= 'Z')
            *to = (char)(*to | 0x20);
    return true;
}

static bool take_mode(struct span value, struct sts_policy *p)
{
    for (unsigned m = STS_NONE; m <= STS_ENFORCE; m++) {
        if (!span_is(value, sts_mode_word(m)))
            continue;
        p->mode = m;
        return true;
    }
    return false;
}

static bool take_max_age(struct span value, struct sts_policy *p)
{
    unsigned long n;

    if (value.len > 10 || !text_number(value, STS_POLICY_MAX_AGE, &n))
        return false;
    p->max_age = (uint32_t)n;
    return true;
}

static bool take_field(struct span name, struct span value, struct sts_policy *p, unsigned *seen)
{
    unsigned is = span_is(name, "version")   ? SAW_VERSION
                  : span_is(name, "mode")    ? SAW_MODE
                  : span_is(name, "max_age") ? SAW_MAX_AGE
                                             : 0;

    if (span_is(name, "mx"))
        return take_mx(value, p);
    if (!is || (*seen & is))
        return true;
    *seen |= is;
    if (is == SAW_VERSION)
        return span_is(value, "STSv1");
    return is == SAW_MODE ? take_mode(value, p) : take_max_age(value, p);
}

static bool has_controls(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (((unsigned char)s.at[i] < ' ' && s.at[i] != '\t') || s.at[i] == 0x7f)
            return true;
    return false;
}

static bool take_line(struct span line, struct sts_policy *p, unsigned *seen)
{
    struct span name;

    if (line.len > 0 && line.at[line.len - 1] == '\r')
        line.len--;
    if (line.len == 0)
        return true;
    if (has_controls(line) || !memchr(line.at, ':', line.len))
        return false;
    name = span_cut(&line, ':');
    return is_name(name) && take_field(name, span_trim(line), p, seen);
}

bool sts_policy_read(struct span text, struct sts_policy *out)
{
    unsigned seen = 0;

    out->count = 0;
    if (text.len > STS_POLICY_TEXT)
        return false;
    while (text.len > 0)
        if (!take_line(span_cut(&text, '\n'), out, &seen))
            return false;
    return seen == SAW_ALL && (out->count > 0 || out->mode == STS_NONE);
}

size_t sts_policy_write(const struct sts_policy *p, char *to, size_t size)
{
    size_t used = (size_t)snprintf(to, size, "version: STSv1\nmode: %s\nmax_age: %u\n",
                                   sts_mode_word(p->mode), p->max_age);

    for (size_t i = 0; i < p->count && used < size; i++)
        used += (size_t)snprintf(to + used, size - used, "mx: %s\n", p->mx[i]);
    return used < size ? used : 0;
}
