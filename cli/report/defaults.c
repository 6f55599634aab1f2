/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/command.h"
#include "conf/settings.h"

/* Types of this file's rows that are in no file yet. */
static unsigned new_types(const struct acct_file *a, unsigned had)
{
    unsigned types = 0;

    for (size_t i = 0; i < a->records.count; i++) {
        const char *type = a->records.at[i];

        types |= FILE_TYPE(strcmp(type, "tq") == 0 ? 'q' : *type);
    }
    return types & ~had;
}

/* Several files may have the same rows: each type is taken from one of them. */
static bool add_files(struct report_plan *p, const struct settings *s, bool filtered, unsigned *had,
                      char *why, size_t size)
{
    for (size_t i = 0; i < s->acct_file_count; i++) {
        const struct acct_file *a = &s->acct_files[i];

        p->files.types = new_types(a, *had);
        if (a->is_ours || *a->head.title != '/' || !p->files.types ||
            (a->queue_filter.count > 0) != filtered)
            continue;
        *had |= p->files.types;
        if (!file_list_add_account(&p->files, a->head.title, a->move_to, why, size))
            return false;
    }
    return true;
}

bool report_default_files(struct report_plan *p, const struct settings *s, char *why, size_t size)
{
    unsigned had = 0;

    if (s->acct_file_count - s->global.tls_reports == 1) {
        /* What it was told to write before this counts, too. */
        if (*s->acct_files->head.title == '/' &&
            !file_list_add_account(&p->files, s->acct_files->head.title, s->acct_files->move_to,
                                   why, size))
            return false;
    } else if (!add_files(p, s, false, &had, why, size) ||
               !add_files(p, s, true, &had, why, size)) {
        return false;
    }
    if (p->files.count == 0)
        (void)snprintf(why, size,
                       settings_has_accounts(s)
                           ? "none of the configuration's accounting files is there yet"
                           : "the configuration has no acct-file section; name the files");
    return p->files.count > 0;
}
