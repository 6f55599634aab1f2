/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/folders.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "acct/command.h"
#include "acct/filename.h"
#include "run/folder.h"

#define NOT_THERE "it is not there; make it, for the user that writes the file"

/* NULL, or what is wrong with a folder. */
static const char *folder_objection(const char *path, struct stat *st)
{
    if (stat(path, st) != 0)
        return errno == ENOENT ? NOT_THERE : strerror(errno);
    return S_ISDIR(st->st_mode) ? NULL : "it is no folder; name one";
}

static const char *move_objection(const char *to, const struct stat *from)
{
    struct stat st;
    const char *bad = folder_objection(to, &st);

    if (!bad && from->st_dev != st.st_dev)
        return "it is on another file system than the file; name a folder on the same one";
    return bad;
}

static bool file_check(const struct acct_file *f, char *why, size_t size)
{
    const char *option = "acct-file", *bad;
    char folder[4096];
    struct stat from;

    snprintf(folder, sizeof folder, "%.*s", SPAN_ARG(filename_folder(f->head.title)));
    bad = folder_objection(folder, &from);
    if (!bad && *f->move_to) {
        option = "move-to";
        snprintf(folder, sizeof folder, "%s", f->move_to);
        bad = move_objection(folder, &from);
    }
    if (bad)
        snprintf(why, size, "%s:%u: %s: %s: %s", f->head.file, f->head.line, option, folder, bad);
    return !bad;
}

bool folders_check(const struct settings *s, char *why, size_t size)
{
    for (size_t i = 0; i < s->acct_file_count; i++) {
        const struct acct_file *f = &s->acct_files[i];

        if (!f->is_ours && !command_is(f->head.title) && !file_check(f, why, size))
            return false;
    }
    return true;
}

bool folders_sync(const char *folder, const char *above, char *why, size_t size)
{
    if (folder_sync(folder) && folder_sync(above))
        return true;
    snprintf(why, size, "%s: cannot be synced: %s", folder, strerror(errno));
    return false;
}
