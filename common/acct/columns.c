/* SPDX-License-Identifier: Apache-2.0 */
#include "acct/columns.h"

#include <stdio.h>

#include "acct/mapping.h"

static const char *const stars[] = {
#define COLUMN(name, star) star,
#include "tell/column.def"
#undef COLUMN
};

/* Each word of a list. Stops where `fn` answers false. */
typedef bool word_fn(void *arg, struct span word);

static bool each_word(struct texts list, word_fn *fn, void *arg)
{
    for (size_t i = 0; i < list.count; i++) {
        struct span rest = span_of(list.at[i]);

        do {
            struct span word = span_trim(span_cut(&rest, ','));

            if (word.len > 0 && !fn(arg, word))
                return false;
        } while (rest.len > 0);
    }
    return true;
}

/* Reading, and why it failed. */
struct reading {
    struct columns *c;
    const struct account_fields *fields;
    size_t fields_count;
    char *why;
    size_t size;
    int type;                    /* whose columns are being chosen */
    bool left_out[COLUMNS_MOST]; /* of this type, by !name */
};

struct span columns_name(const struct columns *c, unsigned number)
{
    return span_of(number < COLUMN_COUNT ? column_name((enum column)number)
                                         : c->header[number - COLUMN_COUNT]);
}

struct span columns_header(const struct columns *c, unsigned number)
{
    return span_after(columns_name(c, number), strlen("header_"));
}

/* A new one if it was not seen before; COLUMNS_MOST: no more room. */
static unsigned find_header(struct columns *c, struct span word)
{
    size_t i = 0;

    while (i < c->header_count && !span_is_nocase(word, c->header[i]))
        i++;
    if (i == c->header_count && i < RECORD_HEADERS)
        snprintf(c->header[c->header_count++], sizeof c->header[0], "%.*s", SPAN_ARG(word));
    return COLUMN_COUNT + (unsigned)i;
}

/* False: there is no such column, and that was said. */
static bool find(struct reading *m, struct span word, unsigned *out)
{
    bool header = mapping_header(word).len > 0;

    *out = header ? find_header(m->c, word) : column_find(word);
    if (header && *out == COLUMNS_MOST)
        snprintf(m->why, m->size, "record-fields: %d header fields are the most; drop some",
                 RECORD_HEADERS);
    else if (!header && *out == COLUMN_COUNT)
        snprintf(m->why, m->size, "record-fields: no such column '%.*s'", SPAN_ARG(word));
    else
        return true;
    return false;
}

static bool find_left_out(void *arg, struct span word)
{
    struct reading *m = arg;
    unsigned column;

    if (word.at[0] != '!')
        return true;
    if (!find(m, span_after(word, 1), &column))
        return false;
    if (column == COLUMN_type)
        snprintf(m->why, m->size, "record-fields: type is always there, '!type' cannot be");
    m->left_out[column] = true;
    return column != COLUMN_type;
}

static void append(struct column_list *list, unsigned column)
{
    list->at[list->count++] = (unsigned char)column;
}

static void choose(struct reading *m, unsigned column)
{
    bool *has = &m->c->has[m->type][column];

    if (m->left_out[column] || *has)
        return;
    *has = true;
    append(&m->c->of[m->type], column);
}

static void choose_star(struct reading *m)
{
    char letter = type_star(m->type);

    for (unsigned i = 0; i < COLUMN_COUNT; i++) {
        if (strchr(stars[i], letter))
            choose(m, i);
        /* A receipt has it here, the other types at their end. */
        if (i == COLUMN_vmta && letter == 'r')
            choose(m, COLUMN_vmtaPool);
    }
}

static bool choose_word(void *arg, struct span word)
{
    struct reading *m = arg;
    unsigned column;

    if (word.at[0] == '!')
        return true;
    if (span_is(word, "*")) {
        choose_star(m);
        return true;
    }
    if (!find(m, word, &column))
        return false;
    choose(m, column);
    return true;
}

static struct texts fields_of(const struct reading *m)
{
    static const char *const star[] = {"*"};

    for (size_t i = 0; i < m->fields_count; i++) {
        if (type_find(span_of(m->fields[i].type)) == m->type)
            return m->fields[i].fields;
    }
    return (struct texts){star, 1};
}

/* What this type shows goes to the end of the union, as far as it is not there yet. */
static void join(struct columns *c, const struct column_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!memchr(c->all.at, list->at[i], c->all.count))
            append(&c->all, list->at[i]);
    }
}

static bool add_type(void *arg, struct span word)
{
    struct reading *m = arg;
    struct texts list;

    m->type = type_find(word);
    if (m->type < 0) {
        snprintf(m->why, m->size,
                 type_is_foreign(word)
                     ? "records: '%.*s' is a type that only PowerMTA has; leave it out"
                     : "records: no such type '%.*s'; there are d, b, t, tq and r",
                 SPAN_ARG(word));
        return false;
    }
    if (m->c->wanted[m->type])
        return true;
    list = fields_of(m);
    m->c->wanted[m->type] = true;
    memset(m->left_out, 0, sizeof m->left_out);
    choose(m, COLUMN_type);
    if (!each_word(list, find_left_out, m) || !each_word(list, choose_word, m))
        return false;
    join(m->c, &m->c->of[m->type]);
    return true;
}

static bool check_types(struct reading *m)
{
    for (size_t i = 0; i < m->fields_count; i++) {
        if (type_find(span_of(m->fields[i].type)) < 0) {
            snprintf(m->why, m->size,
                     "record-fields: no such type '%s'; there are d, b, t, tq and r",
                     m->fields[i].type);
            return false;
        }
    }
    return true;
}

bool columns_read(struct columns *c, struct texts records, const struct account_fields *fields,
                  size_t fields_count, char *why, size_t size)
{
    struct reading m = {
        .c = c, .fields = fields, .fields_count = fields_count, .why = why, .size = size};

    *c = (struct columns){.header_count = 0};
    if (!check_types(&m) || !each_word(records, add_type, &m))
        return false;
    if (c->all.count == 0)
        snprintf(why, size, "records: no type is named; there are d, b, t, tq and r");
    return c->all.count > 0;
}
