/* SPDX-License-Identifier: Apache-2.0 */
#include "run/fields.h"

#include <ctype.h>

#include "run/problem.h"

static const char *const columns[] = {
#define COLUMN(name, star) #name,
#include "tell/column.def"
#undef COLUMN
};

const char *fields_type(const char *name)
{
    static const char *const types[][2] = {
        {"d", "delivery"}, {"b", "bounce"}, {"t", "transient"}, {"r", "receipt"}};

    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (!strcasecmp(name, types[i][0]) || !strcasecmp(name, types[i][1]))
            return types[i][0];
    return NULL;
}

const char *fields_types(struct texts *types, struct arena *arena)
{
    const char **letters = arena_get(arena, types->count, sizeof *letters);

    for (size_t i = 0; i < types->count; i++) {
        letters[i] = fields_type(types->at[i]);
        if (!letters[i])
            return types->at[i];
    }
    types->at = letters;
    return NULL;
}

static bool is_header(const char *name)
{
    if (strncmp(name, "header_", 7) || !name[7])
        return false;
    for (name += 7; *name; name++)
        if (!isgraph((unsigned char)*name) || *name == ':')
            return false;
    return true;
}

/* The first column, `type`, always stays. */
static bool is_field(const char *field)
{
    bool out = *field == '!';

    if (!strcmp(field, "*") || is_header(field + out))
        return true;
    for (size_t i = out; i < COUNT_OF(columns); i++)
        if (!strcmp(field + out, columns[i]))
            return true;
    return false;
}

const char *fields_unknown(const struct texts *fields, const char **best)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (is_field(fields->at[i]))
            continue;
        for (size_t k = 0; k < COUNT_OF(columns); k++)
            name_suggest(fields->at[i] + (*fields->at[i] == '!'), columns[k], best);
        return fields->at[i];
    }
    return NULL;
}
