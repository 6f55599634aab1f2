/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/checks.h"

#include <limits.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/text.h"
#include "net/listen.h"

/* The master that runs; 0: none that we know of. */
static pid_t running(const struct settings *s)
{
    char path[PATH_MAX], text[32] = "";
    unsigned long pid;
    FILE *from;

    snprintf(path, sizeof path, "%s/sallyport-in.pid", s->global.run_directory);
    from = fopen(path, "re");
    if (!from)
        return 0;
    if (!fgets(text, sizeof text, from))
        *text = '\0';
    fclose(from);
    return text_number((struct span){text, strcspn(text, "\n")}, INT_MAX, &pid) ? (pid_t)pid : 0;
}

void files_check(const struct settings *s, struct findings *f)
{
    pid_t pid = running(s);
    bool runs = pid && prlimit(pid, RLIMIT_NOFILE, NULL, &(struct rlimit){0}) == 0;
    unsigned long fits;
    struct rlimit files;

    /* It raises its limit to the hard one at its start. */
    if (prlimit(runs ? pid : 0, RLIMIT_NOFILE, NULL, &files) != 0 ||
        files.rlim_max == RLIM_INFINITY)
        return;
    fits = listen_capacity_under(files.rlim_max, s->global.max_sessions);
    if (fits < s->global.max_sessions)
        finding_add(f, runs ? FINDING_FEW_FILES : FINDING_FEW_FILES_HERE, "max-sessions",
                    "%lu files are enough for %lu sessions of %lu", (unsigned long)files.rlim_max,
                    fits, s->global.max_sessions);
}
