/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/finished.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acct/filename.h"
#include "tell/log.h"

/* More than a day can bring. */
enum { NUMBER_MOST = 999999 };

bool finished_name(const char *path, const char *folder, long day, unsigned *number, char *to,
                   size_t size)
{
    struct stat st;

    for (; *number <= NUMBER_MOST; ++*number) {
        if (!filename_finished(path, folder, day, *number, to, size)) {
            errno = ENAMETOOLONG;
            return false;
        }
        if (lstat(to, &st) != 0)
            return errno == ENOENT;
    }
    errno = EEXIST;
    return false;
}

/* Some file systems do not know how to leave another file alone; there the name was free a
 * moment ago. */
bool finished_rename(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return true;
    return (errno == EINVAL || errno == ENOSYS) && rename(from, to) == 0;
}

static void remove_one(const char *path, double before)
{
    struct stat st;

    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode) || (double)st.st_mtime >= before)
        return;
    if (unlink(path) == 0)
        log_say(LOG_LIFE, "", "csv-removed", {"file", span_of(path)},
                {"why", SPAN("delete-after is over")});
    else
        log_say(LOG_FAULT, "", "csv-stays", {"file", span_of(path)},
                {"why", span_of(strerror(errno))});
}

void finished_remove(const char *path, double before, finished_spared_fn *is_spared,
                     const void *arg)
{
    struct span folder = filename_folder(path);
    char full[4400];
    struct dirent *e;
    DIR *d;

    snprintf(full, sizeof full, "%.*s", SPAN_ARG(folder));
    d = opendir(full);
    while (d && (e = readdir(d))) {
        if (!filename_is_finished(path, span_of(e->d_name)))
            continue;
        snprintf(full, sizeof full, "%.*s/%s", SPAN_ARG(folder), e->d_name);
        if (!is_spared(arg, full))
            remove_one(full, before);
    }
    if (d)
        closedir(d);
}
