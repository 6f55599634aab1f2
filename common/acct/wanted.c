/* SPDX-License-Identifier: Apache-2.0 */
#include "acct/wanted.h"

static const char *const stars[] = {
#define COLUMN(name, star) star,
#include "tell/column.def"
#undef COLUMN
};

static const char header_[] = "header_";

bool wanted_header(struct wanted *w, struct span name)
{
    if (!record_is_header(name))
        return true;
    for (size_t i = 0; i < w->header_count; i++)
        if (name.len == w->header[i].len && !strncasecmp(name.at, w->header[i].at, name.len))
            return true;
    if (w->header_count == COUNT_OF(w->header))
        return false;
    w->header[w->header_count++] = name;
    return true;
}

/* A word such as header_X-Job; any other is let be. */
static bool add_word(struct wanted *w, struct span word)
{
    return !span_starts_nocase(word, header_) ||
           wanted_header(w, span_after(word, sizeof header_ - 1));
}

/* Does the list have this name; or, if `left_out`, !name? */
static bool has(struct texts list, bool left_out, const char *name)
{
    for (size_t i = 0; i < list.count; i++) {
        struct span rest = span_of(list.at[i]);

        do {
            struct span word = span_trim(span_cut(&rest, ','));
            bool out = word.len > 0 && word.at[0] == '!';

            if (out == left_out && span_is_nocase(span_after(word, out), name))
                return true;
        } while (rest.len > 0);
    }
    return false;
}

static bool has_column(struct texts list, enum column c, char star)
{
    return !has(list, true, column_name(c)) &&
           (has(list, false, column_name(c)) || (strchr(stars[c], star) && has(list, false, "*")));
}

bool wanted_fields(struct wanted *w, struct span type, struct texts fields)
{
    bool attempts = span_is(type, "tq");

    w->attempts = w->attempts || attempts;
    w->policy = w->policy || has_column(fields, COLUMN_dlvTlsPolicyText, ' ') ||
                has_column(fields, COLUMN_dlvTlsPolicyDomain, ' ');
    if (attempts || type.len == 0) /* an attempt has no message */
        return true;
    if (has_column(fields, COLUMN_jobId, type.at[0]) && !wanted_header(w, SPAN(WANTED_JOB)))
        return false;
    for (size_t i = 0; i < fields.count; i++) {
        struct span rest = span_of(fields.at[i]);

        do {
            if (!add_word(w, span_trim(span_cut(&rest, ','))))
                return false;
        } while (rest.len > 0);
    }
    return true;
}

bool wanted_mappings(struct wanted *w, struct texts mappings)
{
    for (size_t i = 0; i < mappings.count; i++) {
        struct span rest = span_of(mappings.at[i]);

        while (rest.len > 0)
            if (!add_word(w, span_cut(&rest, ' ')))
                return false;
    }
    return true;
}

bool wanted_reports(struct wanted *w)
{
    w->attempts = w->policy = true;
    return wanted_header(w, SPAN(WANTED_REPORT));
}
