/* SPDX-License-Identifier: Apache-2.0 */
#include "sts/sts_record.h"

#include "base/text.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

enum { NAME_MAX_LEN = 32 };

static bool is_all_of(struct span s, const char *set)
{
    for (size_t i = 0; i < s.len; i++)
        if (!s.at[i] || !strchr(set, s.at[i]))
            return false;
    return true;
}

static bool is_name(struct span s)
{
    return s.len > 0 && s.len <= NAME_MAX_LEN && is_all_of(s, LETTERS DIGITS "_-.") &&
           is_all_of((struct span){s.at, 1}, LETTERS DIGITS);
}

/* Visible ASCII without ';' and '='; the first cannot be there any more. */
static bool is_value(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < 0x21 || s.at[i] > 0x7e || s.at[i] == '=')
            return false;
    return s.len > 0;
}

/* One field behind the version. False: malformed. */
static bool take_field(struct span field, char id[STS_ID])
{
    struct span value = field, name;

    if (!memchr(field.at, '=', field.len))
        return false;
    name = span_cut(&value, '=');
    if (!is_name(name) || !is_value(value))
        return false;
    if (!span_is(name, "id"))
        return true;
    if (id[0] || value.len >= STS_ID || !is_all_of(value, LETTERS DIGITS))
        return false;
    text_copy(id, STS_ID, value);
    return true;
}

void sts_record_add(struct sts_record *r, struct span text)
{
    char id[STS_ID] = "";
    bool good = true;

    if (!span_is(span_trim(span_cut(&text, ';')), "v=STSv1"))
        return;
    r->count++;
    while (good && text.len > 0) {
        struct span field = span_trim(span_cut(&text, ';'));

        /* A delimiter may end the record, but not stand twice. */
        good = field.len > 0 ? take_field(field, id) : text.len == 0;
    }
    text_copy(r->id, sizeof r->id, good ? span_of(id) : SPAN(""));
}

bool sts_record_is(const struct sts_record *r)
{
    return r->count == 1 && r->id[0];
}

bool sts_record_domain(const char *domain, char to[STS_DOMAIN])
{
    struct span name = span_of(domain);

    if (name.len == 0 || name.len >= STS_DOMAIN || *name.at == '.' ||
        !is_all_of(name, LETTERS DIGITS "-_."))
        return false;
    text_copy(to, STS_DOMAIN, name);
    for (; *to; to++)
        if (*to >= 'A' && *to <= 'Z')
            *to = (char)(*to | 0x20);
    return true;
}
