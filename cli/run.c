/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum { NOT_RUN = 127 };

static void be_child(const char *const *argv, int out)
{
    int in = open("/dev/null", O_RDONLY);

    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    if (in >= 0 && dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
        dup2(out, STDERR_FILENO) >= 0)
        execv(argv[0], (char *const *)argv);
    _exit(NOT_RUN);
}

/* To its end, or until it is too late; false then. What does not fit is forgotten. */
static bool hear(int fd, char *out, size_t size, double until)
{
    size_t used = 0;
    char rest[512];

    for (;;) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        double left = until - clock_mono();
        bool fits = used + 1 < size;
        ssize_t n;

        out[used] = '\0';
        if (left <= 0)
            return false;
        if (poll(&ready, 1, (int)(left * 1000) + 1) <= 0)
            continue;
        n = fits ? read(fd, out + used, size - used - 1) : read(fd, rest, sizeof rest);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return true;
        used += fits ? (size_t)n : 0;
    }
}

bool run_program(const char *const *argv, char *out, size_t size, int *status)
{
    int ends[2], how = 0;
    pid_t pid;

    *out = '\0';
    if (access(argv[0], X_OK) != 0 || pipe2(ends, O_CLOEXEC) != 0)
        return false;
    pid = fork();
    if (pid == 0)
        be_child(argv, ends[1]);
    close(ends[1]);
    if (pid > 0 && !hear(ends[0], out, size, clock_mono() + RUN_SECONDS))
        kill(pid, SIGKILL);
    close(ends[0]);
    if (pid < 0)
        return false;
    while (waitpid(pid, &how, 0) < 0 && errno == EINTR)
        ;
    *status = WIFEXITED(how) ? WEXITSTATUS(how) : -1;
    return *status != NOT_RUN;
}
