/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/moves.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "acct/filename.h"

/* NULL, or what is wrong. */
static const char *objection(const struct acct_file *f)
{
    struct span folder = filename_folder(f->head.title);
    struct stat to, from;
    char path[4096];

    snprintf(path, sizeof path, "%.*s", SPAN_ARG(folder));
    if (stat(f->move_to, &to) != 0)
        return errno == ENOENT ? "it is not there; make it, for the user that writes the file"
                               : strerror(errno);
    if (!S_ISDIR(to.st_mode))
        return "it is no folder; name one";
    if (stat(path, &from) == 0 && from.st_dev != to.st_dev)
        return "it is on another file system than the file; name a folder on the same one";
    return NULL;
}

bool moves_check(const struct settings *s, char *why, size_t size)
{
    for (size_t i = 0; i < s->acct_file_count; i++) {
        const struct acct_file *f = &s->acct_files[i];
        const char *wrong = f->move_to && *f->move_to ? objection(f) : NULL;

        if (wrong) {
            snprintf(why, size, "%s:%u: move-to %s: %s", f->head.file, f->head.line, f->move_to,
                     wrong);
            return false;
        }
    }
    return true;
}
