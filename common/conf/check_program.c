/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/checks.h"

#include <errno.h>
#include <sys/stat.h>

#include "acct/command.h"
#include "conf/settings.h"

void check_acct_program(struct check *c, struct section *s)
{
    struct command command;
    const char *bad = command_read(s->head->title, &command);
    struct stat st;

    if (bad)
        wrong(c, s, "acct-file", "%s", bad);
    else if (stat(command.word[0], &st) != 0)
        wrong(c, s, "acct-file", "%s: %s; install it, or write where it is", command.word[0],
              strerror(errno));
    else if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111))
        wrong(c, s, "acct-file", "%s cannot be run; write a program, or chmod +x it",
              command.word[0]);
}

#define OF(option) offsetof(struct acct_file, option)

void check_acct_options(struct check *c, struct section *s)
{
    static const struct {
        const char *name;
        size_t offset;
    } of_files[] = {
        {"world-readable", OF(world_readable)},
        {"move-to", OF(move_to)},
        {"move-interval", OF(move_interval)},
        {"delete-after", OF(delete_after)},
        {"count-moved-records", OF(count_moved_records)},
    };

    for (size_t i = 0; command_is(s->head->title) && i < COUNT_OF(of_files); i++)
        if (option_is_set(s->kind->options, s->head, of_files[i].offset))
            wrong(c, s, of_files[i].name, "is for files, not for programs; drop it");
}
