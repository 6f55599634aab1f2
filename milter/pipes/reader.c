/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/pipes/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tell/log.h"

static char *const environment[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", NULL};

/* As little of us as can be: what we ignore or block would stay so in the program. */
static void forget_us(pid_t parent)
{
    struct rlimit files;
    sigset_t none;

    sigemptyset(&none);
    for (int i = 1; i < NSIG; i++)
        (void)sigaction(i, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > 1024) {
        files.rlim_cur = 1024; /* what programs expect */
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static void become(const struct command *c, pid_t parent, int input, int output)
{
    forget_us(parent);
    if (chdir("/") == 0 && dup2(input, 0) == 0 && dup2(output, 1) == 1 && dup2(output, 2) == 2 &&
        close_range(3, ~0U, 0) == 0)
        execve(c->word[0], c->word, environment);
    dprintf(2, "cannot be run: %s\n", strerror(errno));
    _exit(127);
}

static bool give_birth(struct reader *r, const struct command *c, const int in[2], const int out[2])
{
    pid_t parent = getpid();

    r->pid = fork();
    if (r->pid == 0)
        become(c, parent, in[0], out[1]);
    if (r->pid < 0)
        return false;
    (void)setpgid(r->pid, r->pid); /* whoever comes first */
    r->end = pidfd_open(r->pid, 0);
    if (r->end >= 0)
        return true;
    kill(r->pid, SIGKILL);
    (void)waitpid(r->pid, NULL, 0);
    return false;
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

bool reader_start(struct reader *r, const struct command *c)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    bool ok = pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 &&
              fcntl(in[1], F_SETFL, O_NONBLOCK) == 0 && fcntl(out[0], F_SETFL, O_NONBLOCK) == 0;

    *r = (struct reader){.name = c->word[0], .started = clock_mono(), .end = -1};
    ok = ok && give_birth(r, c, in, out);
    close_one(&in[0]);
    close_one(&out[1]);
    r->input = in[1];
    r->output = out[0];
    if (ok) {
        log_say(LOG_LIFE, "", "program-started", {"program", span_of(r->name)},
                {"pid", log_number(r->pid)});
        return true;
    }
    log_say(LOG_FAULT, "", "program-fails", {"program", span_of(r->name)},
            {"why", span_of(strerror(errno))});
    close_one(&r->input);
    close_one(&r->output);
    r->pid = 0;
    return false;
}

size_t reader_unread(const struct reader *r)
{
    int count = 0;

    return r->input >= 0 && ioctl(r->input, FIONREAD, &count) == 0 && count > 0 ? (size_t)count : 0;
}

static void say_line(struct reader *r)
{
    double now = clock_mono();

    if (now - r->minute >= 60) {
        r->minute = now;
        r->lines = 0;
    }
    if (r->len > 0 && r->lines < READER_LINES)
        log_say(LOG_LIFE, "", "program-says", {"program", span_of(r->name)},
                {"text", {r->line, r->len}});
    else if (r->len > 0 && r->lines == READER_LINES)
        log_say(LOG_LIFE, "", "program-says-more", {"program", span_of(r->name)},
                {"then", SPAN("left out for a minute")});
    r->lines += r->len > 0;
    r->len = 0;
}

void reader_hear(struct reader *r)
{
    char text[4096];
    ssize_t got = 0;

    for (int i = 0; i < 16 && r->output >= 0; i++) {
        got = read(r->output, text, sizeof text);
        if (got <= 0)
            break;
        for (ssize_t k = 0; k < got; k++) {
            if (text[k] == '\n' || r->len == sizeof r->line)
                say_line(r);
            if (text[k] != '\n' && text[k] != '\r')
                r->line[r->len++] = text[k];
        }
    }
    if (got == 0)
        close_one(&r->output);
}

void reader_close_input(struct reader *r)
{
    close_one(&r->input);
}

void reader_kill(const struct reader *r, int signal)
{
    if (r->pid > 0)
        kill(-r->pid, signal);
}

static struct log_pair cause(int status)
{
    if (WIFSIGNALED(status))
        return (struct log_pair){"signal", log_number(WTERMSIG(status))};
    return (struct log_pair){"exit", log_number(WEXITSTATUS(status))};
}

bool reader_ended(struct reader *r, bool expected, bool *well)
{
    int status;

    if (r->pid == 0 || waitpid(r->pid, &status, WNOHANG) != r->pid)
        return false;
    reader_kill(r, SIGKILL); /* what it left behind */
    reader_hear(r);
    say_line(r);
    close_one(&r->input);
    close_one(&r->output);
    close_one(&r->end);
    *well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    log_say(expected && *well ? LOG_LIFE : LOG_FAULT, "", "program-ended",
            {"program", span_of(r->name)}, {"pid", log_number(r->pid)}, cause(status),
            {"lived", log_number((double)(long)(clock_mono() - r->started))});
    r->pid = 0;
    return true;
}
