/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "acct/filename.h"

void file_list_clear(struct file_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->at[i].path);
    free(l->at);
    *l = (struct file_list){.at = NULL};
}

static bool add(struct file_list *l, const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);

    if (path && l->count == l->room) {
        size_t room = l->room ? 2 * l->room : 16;
        struct file *at = realloc(l->at, room * sizeof *at);

        if (at) {
            l->at = at;
            l->room = room;
        }
    }
    if (!path || l->count == l->room) {
        free(path);
        return false;
    }
    (void)snprintf(path, size, "%s%s%s", folder, *folder ? "/" : "", name);
    l->at[l->count++] = (struct file){path, l->types ? l->types : FILE_ALL_TYPES};
    return true;
}

/* Does a name belong? */
typedef bool belongs_fn(const char *name, const char *path);

/* False: no memory, or no folder (errno). */
static bool add_folder(struct file_list *l, const char *folder, belongs_fn *belongs,
                       const char *path)
{
    struct dirent **found;
    int count = scandir(folder, &found, NULL, alphasort);
    bool ok = count >= 0;

    for (int i = 0; i < count; i++) {
        if (belongs(found[i]->d_name, path))
            ok = add(l, folder, found[i]->d_name) && ok;
        free(found[i]);
    }
    if (count >= 0)
        free(found);
    return ok;
}

static bool is_account(const char *name, const char *path)
{
    (void)path;
    return *name != '.' && (strstr(name, ".csv") || strstr(name, ".json"));
}

bool file_list_add(struct file_list *l, const char *path, char *why, size_t size)
{
    size_t had = l->count;
    struct stat st;
    bool ok;

    errno = 0;
    if (strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        ok = add_folder(l, path, is_account, path);
        if (ok && l->count == had) {
            (void)snprintf(why, size, "%s: no file in this folder has .csv or .json in its name",
                           path);
            return false;
        }
    } else {
        ok = add(l, "", path);
    }
    if (!ok)
        (void)snprintf(why, size, "%s: %s", path, errno ? strerror(errno) : "no memory");
    return ok;
}

/* As filename.h has it, and what packing puts behind. */
static bool is_finished(const char *name, const char *path)
{
    static const char *const packed[] = {"", ".gz", ".zst", ".xz"};
    struct span s = span_of(name);

    for (size_t i = 0; i < COUNT_OF(packed); i++) {
        size_t len = strlen(packed[i]);

        if (s.len > len && !memcmp(s.at + s.len - len, packed[i], len) &&
            filename_is_finished(path, (struct span){s.at, s.len - len}))
            return true;
    }
    return false;
}

/* A folder that is not there has none. */
static bool add_finished(struct file_list *l, const char *folder, const char *path, char *why,
                         size_t size)
{
    errno = 0;
    if (add_folder(l, folder, is_finished, path) || errno == ENOENT)
        return true;
    (void)snprintf(why, size, "%s: %s", folder, errno ? strerror(errno) : "no memory");
    return false;
}

bool file_list_add_account(struct file_list *l, const char *path, const char *folder, char *why,
                           size_t size)
{
    struct span where = filename_folder(path);
    char *beside = strndup(where.at, where.len);
    struct stat st;
    bool ok = beside && (stat(path, &st) != 0 || add(l, "", path));

    if (!ok)
        (void)snprintf(why, size, "no memory");
    ok = ok && add_finished(l, beside, path, why, size);
    if (ok && *folder && strcmp(folder, beside) != 0)
        ok = add_finished(l, folder, path, why, size);
    free(beside);
    return ok;
}
