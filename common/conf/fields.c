/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/fields.h"

#include "conf/problem.h"
#include "acct/account.h"
#include "acct/mapping.h"

const char *fields_types(struct texts *types, struct arena *arena)
{
    const char **letters = arena_get(arena, types->count, sizeof *letters);

    for (size_t i = 0; i < types->count; i++) {
        letters[i] = account_type(span_of(types->at[i]));
        if (!letters[i])
            return types->at[i];
    }
    types->at = letters;
    return NULL;
}

/* The first column, `type`, always stays. */
static bool is_field(struct span field)
{
    bool out = field.len && *field.at == '!';
    enum column c = column_find(span_after(field, out));

    return span_is(field, "*") || (c != COLUMN_COUNT && !(out && c == COLUMN_type)) ||
           mapping_header(span_after(field, out)).len > 0;
}

const char *fields_unknown(const struct texts *fields, const char **best)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (is_field(span_of(fields->at[i])))
            continue;
        for (enum column c = 0; c < COLUMN_COUNT; c++)
            name_suggest(fields->at[i] + (*fields->at[i] == '!'), column_name(c), best);
        return fields->at[i];
    }
    return NULL;
}
