/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/command.h"
#include "conf/settings.h"

bool report_default_files(struct report_plan *p, const struct settings *s, char *why, size_t size)
{
    for (size_t i = 0; i < s->acct_file_count; i++) {
        const struct acct_file *a = &s->acct_files[i];

        if (*a->head.title == '/' && !file_list_add_account(&p->files, a->head.title, a->move_to)) {
            (void)snprintf(why, size, "no memory");
            return false;
        }
    }
    if (p->files.count == 0)
        (void)snprintf(why, size,
                       s->acct_file_count
                           ? "none of the configuration's accounting files is there yet"
                           : "the configuration has no acct-file section; name the files");
    return p->files.count > 0;
}
