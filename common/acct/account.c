/* SPDX-License-Identifier: Apache-2.0 */
#include "acct/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/text.h"

enum { TYPES = 5 };

/* The types that we write, with PowerMTA's long names. */
static const struct {
    const char *letter, *name;
    char star; /* as column.def has it */
} types[TYPES] = {
    {"d", "delivery", 'd'},         {"b", "bounce", 'b'},  {"t", "transient", 't'},
    {"tq", "transient-queue", 'q'}, {"r", "receipt", 'r'},
};

/* Types that PowerMTA has and a proxy without a queue has not. */
static const char *const foreign[] = {
    "f", "rb", "rs", "feedback-loop", "remote-bounce", "remote-status",
};

static const char *const stars[] = {
#define COLUMN(name, star) star,
#include "tell/column.def"
#undef COLUMN
};

struct account {
    enum column order[COLUMN_COUNT]; /* the header's */
    size_t count;
    bool selected[TYPES][COLUMN_COUNT];
    bool wanted[TYPES];
    bool iso_times;
    char user_string[1024];
    struct buf header;
};

static int find_type(struct span name)
{
    for (int i = 0; i < TYPES; i++) {
        if (span_is_nocase(name, types[i].letter) || span_is_nocase(name, types[i].name))
            return i;
    }
    return -1;
}

const char *account_type(struct span name)
{
    int type = find_type(name);

    return type < 0 ? NULL : types[type].letter;
}

static bool is_foreign(struct span name)
{
    for (size_t i = 0; i < COUNT_OF(foreign); i++) {
        if (span_is_nocase(name, foreign[i]))
            return true;
    }
    return false;
}

/* Each word of a list; one text may hold several with commas between, as in PowerMTA's files.
 * Stops where `fn` answers false. */
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

/* Building, and why it failed. */
struct making {
    struct account *a;
    const struct account_conf *conf;
    char *why;
    size_t size;
    int type;                         /* whose columns are being chosen */
    bool left_out[COLUMN_COUNT];      /* of this type, by !name */
    enum column chosen[COLUMN_COUNT]; /* of this type, in order */
    size_t chosen_count;
};

static bool find_left_out(void *arg, struct span word)
{
    struct making *m = arg;
    enum column column;

    if (word.at[0] != '!')
        return true;
    column = column_find(span_after(word, 1));
    if (column == COLUMN_type)
        snprintf(m->why, m->size, "record-fields: type is always there, '!type' cannot be");
    else if (column == COLUMN_COUNT)
        snprintf(m->why, m->size, "record-fields: no such column '%.*s'",
                 SPAN_ARG(span_after(word, 1)));
    else
        m->left_out[column] = true;
    return column != COLUMN_type && column != COLUMN_COUNT;
}

static void choose(struct making *m, enum column c)
{
    bool *selected = &m->a->selected[m->type][c];

    if (m->left_out[c] || *selected)
        return;
    *selected = true;
    m->chosen[m->chosen_count++] = c;
}

static void choose_star(struct making *m)
{
    char letter = types[m->type].star;

    for (int i = 0; i < COLUMN_COUNT; i++) {
        if (strchr(stars[i], letter))
            choose(m, (enum column)i);
        /* A receipt has it here, the other types at their end. */
        if (i == COLUMN_vmta && letter == 'r')
            choose(m, COLUMN_vmtaPool);
    }
}

static bool choose_word(void *arg, struct span word)
{
    struct making *m = arg;
    enum column column;

    if (word.at[0] == '!')
        return true;
    if (span_is(word, "*")) {
        choose_star(m);
        return true;
    }
    column = column_find(word);
    if (column == COLUMN_COUNT) {
        snprintf(m->why, m->size, "record-fields: no such column '%.*s'", SPAN_ARG(word));
        return false;
    }
    choose(m, column);
    return true;
}

static const struct account_fields *fields_of(const struct account_conf *conf, int type)
{
    for (size_t i = 0; i < conf->fields_count; i++) {
        if (find_type(span_of(conf->fields[i].type)) == type)
            return &conf->fields[i];
    }
    return NULL;
}

/* What this type shows goes to the end of the header, as far as it is not there yet. */
static void join_header(struct making *m)
{
    struct account *a = m->a;

    for (size_t i = 0; i < m->chosen_count; i++) {
        size_t at = 0;

        while (at < a->count && a->order[at] != m->chosen[i])
            at++;
        if (at == a->count)
            a->order[a->count++] = m->chosen[i];
    }
}

static bool add_type(void *arg, struct span word)
{
    static const char *const star[] = {"*"};
    struct making *m = arg;
    const struct account_fields *fields;
    struct texts list = {star, 1};

    m->type = find_type(word);
    if (m->type < 0) {
        snprintf(m->why, m->size,
                 is_foreign(word) ? "records: '%.*s' is a type that only PowerMTA has; leave it out"
                                  : "records: no such type '%.*s'; there are d, b, t, tq and r",
                 SPAN_ARG(word));
        return false;
    }
    if (m->a->wanted[m->type])
        return true;
    fields = fields_of(m->conf, m->type);
    if (fields)
        list = fields->fields;
    m->a->wanted[m->type] = true;
    memset(m->left_out, 0, sizeof m->left_out);
    m->chosen_count = 0;
    choose(m, COLUMN_type);
    if (!each_word(list, find_left_out, m) || !each_word(list, choose_word, m))
        return false;
    join_header(m);
    return true;
}

static bool check_fields(struct making *m)
{
    for (size_t i = 0; i < m->conf->fields_count; i++) {
        if (find_type(span_of(m->conf->fields[i].type)) < 0) {
            snprintf(m->why, m->size,
                     "record-fields: no such type '%s'; there are d, b, t, tq and r",
                     m->conf->fields[i].type);
            return false;
        }
    }
    return true;
}

static bool write_header(struct account *a)
{
    bool ok = true;

    for (size_t i = 0; i < a->count && ok; i++)
        ok = buf_addf(&a->header, "%s%s", i ? "," : "", column_name(a->order[i]));
    return ok && buf_add(&a->header, SPAN("\r\n"));
}

struct account *account_new(const struct account_conf *conf, char *why, size_t size)
{
    struct account *a = calloc(1, sizeof *a);
    struct making m = {.a = a, .conf = conf, .why = why, .size = size};

    if (!a) {
        snprintf(why, size, "accounting: no memory");
        return NULL;
    }
    buf_init(&a->header, 4096);
    a->iso_times = conf->iso_times;
    text_clean(a->user_string, sizeof a->user_string, span_of(conf->user_string));
    if (check_fields(&m) && each_word(conf->records, add_type, &m)) {
        if (a->count > 0 && write_header(a))
            return a;
        snprintf(why, size, "records: no type is named; there are d, b, t, tq and r");
    }
    account_free(&a);
    return NULL;
}

void account_free(struct account **a)
{
    if (*a)
        buf_clear(&(*a)->header);
    free(*a);
    *a = NULL;
}

struct span account_header(const struct account *a)
{
    return buf_peek(&a->header);
}

static int wanted_type(const struct account *a, struct span letter)
{
    int type = letter.len <= 2 ? find_type(letter) : -1;

    return type >= 0 && a->wanted[type] ? type : -1;
}

/* Free text of others, in which no honest value begins like a formula. */
static bool is_free_text(enum column c)
{
    return c == COLUMN_dsnDiag || c == COLUMN_dsnMta || c == COLUMN_srcMta ||
           c == COLUMN_dlvEsmtpAvailable || c == COLUMN_dlvTlsPeerName || c == COLUMN_dlvTlsError ||
           c == COLUMN_rcvTlsClientSubject || c == COLUMN_rcvTlsSni;
}

static bool add_cell(struct buf *row, enum column c, struct span value)
{
    char clean[RECORD_MAX + 1];
    struct span rest = {clean, text_clean(clean, sizeof clean, value)};
    bool formula = rest.len > 0 && strchr("=+-@", rest.at[0]) && is_free_text(c);
    bool quoted = memchr(rest.at, ',', rest.len) || memchr(rest.at, '"', rest.len);
    bool ok = (!quoted || buf_add(row, SPAN("\""))) && (!formula || buf_add(row, SPAN("'")));

    while (ok && rest.len > 0) {
        struct span plain = span_cut(&rest, '"');

        ok = buf_add(row, plain);
        if (ok && plain.at + plain.len < clean + strlen(clean))
            ok = buf_add(row, SPAN("\"\""));
    }
    return ok && (!quoted || buf_add(row, SPAN("\"")));
}

static bool add_time(const struct account *a, struct buf *row, double seconds)
{
    time_t t = (time_t)seconds;
    char text[64];
    struct tm tm;

    if (seconds <= 0)
        return true;
    if (!a->iso_times)
        return buf_addf(row, "%lld", (long long)t);
    if (!gmtime_r(&t, &tm))
        return true;
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S+0000", &tm);
    return buf_add(row, span_of(text));
}

static bool add_column(const struct account *a, struct buf *row, enum column c,
                       const struct record *r)
{
    if (c == COLUMN_timeLogged)
        return add_time(a, row, r->at);
    if (c == COLUMN_timeQueued)
        return add_time(a, row, r->queued);
    if (c == COLUMN_userString)
        return add_cell(row, c, span_of(a->user_string));
    return add_cell(row, c, r->column[c]);
}

bool account_row(const struct account *a, struct buf *to, const struct record *r)
{
    int type = wanted_type(a, r->column[COLUMN_type]);
    struct buf row;
    bool ok = true;

    if (type < 0)
        return true;
    buf_init(&row, 1 << 20);
    for (size_t i = 0; i < a->count && ok; i++) {
        ok = i == 0 || buf_add(&row, SPAN(","));
        if (ok && a->selected[type][a->order[i]])
            ok = add_column(a, &row, a->order[i], r);
    }
    ok = ok && buf_add(&row, SPAN("\r\n")) && buf_add(to, buf_peek(&row));
    buf_clear(&row);
    return ok;
}
