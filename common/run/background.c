/* SPDX-License-Identifier: Apache-2.0 */
#include "run/background.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* The status that the one who was called exits with. */
static int await(pid_t pid, int herald)
{
    char word;
    int status;
    ssize_t got;

    while ((got = read(herald, &word, 1)) < 0 && errno == EINTR)
        continue;
    if (got == 1)
        return 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return 1;
    return WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : 1;
}

const char *background_path(const char *file)
{
    static char path[PATH_MAX * 2];
    char here[PATH_MAX];

    if (*file == '/')
        return file;
    if (!getcwd(here, sizeof here))
        return NULL;
    snprintf(path, sizeof path, "%s/%s", here, file);
    return path;
}

int background_start(void)
{
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid = fork();
    if (pid > 0) {
        close(ends[1]);
        _exit(await(pid, ends[0]));
    }
    close(ends[0]);
    if (pid < 0 || setsid() < 0) {
        close(ends[1]);
        return -1;
    }
    return ends[1];
}

void background_done(int *herald)
{
    int nothing;

    if (*herald < 0)
        return;
    nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing >= 0) {
        dup2(nothing, STDIN_FILENO);
        dup2(nothing, STDOUT_FILENO);
    }
    if (nothing > STDERR_FILENO)
        close(nothing);
    (void)!write(*herald, "r", 1);
    close(*herald);
    *herald = -1;
}
