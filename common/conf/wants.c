/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/wants.h"

/* What is written of a type: its own record-fields, or all that is standard. */
static struct texts fields_of(const struct acct_file *f, const char *type)
{
    static const char *const star[] = {"*"};

    for (size_t i = 0; i < f->record_fields_count; i++)
        if (!strcmp(f->record_fields[i].head.title, type))
            return f->record_fields[i].fields;
    return (struct texts){star, 1};
}

static bool add_file(struct wanted *w, const struct acct_file *f)
{
    for (size_t i = 0; i < f->records.count; i++)
        if (!wanted_fields(w, span_of(f->records.at[i]), fields_of(f, f->records.at[i])))
            return false;
    return wanted_mappings(w, f->map_header_to_field);
}

static void complain(const struct option_head *head, const char *name, struct problems *problems)
{
    problem_add(problems, head->file, head->line, name,
                "with this all acct-file sections together want more than %d header fields; take "
                "some out",
                RECORD_HEADERS);
}

void wants_find(struct settings *s, struct problems *problems)
{
    s->wanted = (struct wanted){.header_count = 0};
    if (s->global.tls_reports && !wanted_reports(&s->wanted))
        complain(&s->global.head, "tls-reports", problems);
    for (size_t i = 0; i < s->acct_file_count; i++)
        if (!add_file(&s->wanted, &s->acct_files[i])) {
            complain(&s->acct_files[i].head, "record-fields", problems);
            return;
        }
}
