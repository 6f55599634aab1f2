/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/checks.h"
#include "cli/run.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum { SAID = 16384 };

/* Where we are ourselves, or where it is installed. */
static void find(const char *name, char path[PATH_MAX])
{
    char own[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
    char *slash;

    own[len > 0 ? len : 0] = '\0';
    slash = strrchr(own, '/');
    if (slash)
        *slash = '\0';
    if (!slash || snprintf(path, PATH_MAX, "%s/%s", own, name) >= PATH_MAX ||
        access(path, X_OK) != 0)
        snprintf(path, PATH_MAX, "%s/%s", SBINDIR, name);
}

static bool check_one(const char *name, const char *file, struct findings *f)
{
    char path[PATH_MAX], said[SAID];
    const char *const argv[] = {path, "-t", "-c", file, NULL};
    int status;

    find(name, path);
    if (!run_program(argv, said, sizeof said, &status)) {
        finding_plain(f, FINDING_NO_PROGRAM, path);
        return true;
    }
    if (status == 0)
        return true;
    fputs(*said ? said : "it ended without a word\n", stderr);
    return false;
}

bool programs_check(const struct settings *s, const char *file, struct findings *f)
{
    const struct {
        const char *name;
        bool has_work;
    } programs[] = {
        {"sallyport-in", s->smtp_listener_count > 0},
        {"sallyport-out", s->relay_listener_count > 0},
        {"sallyport-milter", s->milter_listener_count + s->acct_file_count > 0},
    };
    bool right = true;

    for (size_t i = 0; i < COUNT_OF(programs); i++)
        right &= !programs[i].has_work || check_one(programs[i].name, file, f);
    return right;
}
