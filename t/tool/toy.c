/* SPDX-License-Identifier: Apache-2.0
 *
 * toy - a program that serves no mail, for tests of the daemon.
 *
 * Workers accept connections on run-directory/toy.sock and answer lines: `who` with pid, slot,
 * number and host-name; `die` ends the child with status 3; `deaf` makes it ignore orders. A
 * connection is a session: a draining worker stays until its last one has ended. The scribe
 * is exclusive; the reader serves others. Host names that begin with "bad-" make things go
 * wrong.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "run/daemon.h"
#include "conf/settings.h"
#include "tell/log.h"

enum { SESSIONS = 16, ORDERS = 0, LISTENER = 1, FIRST = 2 };

static int listener = -1; /* the master's for its life */

static bool is_named(const struct settings *s, const char *name)
{
    return strcmp(s->global.host_name, name) == 0;
}

static int open_listener(const struct settings *s)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    snprintf(at.sun_path, sizeof at.sun_path, "%.90s/toy.sock", s->global.run_directory);
    unlink(at.sun_path);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) != 0 ||
        listen(fd, SESSIONS) != 0)
        return -1;
    return fd;
}

static void *prepare(const struct settings *s, void *before, bool only_check, char *why,
                     size_t size)
{
    static unsigned count;
    unsigned *mark = malloc(sizeof *mark);

    if (!mark || is_named(s, "bad-prepare")) {
        snprintf(why, size, "host-name: bad\nhost-name: very bad\n");
        free(mark);
        return NULL;
    }
    if (!only_check && !before)
        listener = open_listener(s);
    *mark = ++count;
    if (!only_check)
        log_say(LOG_LIFE, "", "prepared", {"mark", log_number(*mark)},
                {"before", log_number(before ? *(unsigned *)before : 0)});
    return mark;
}

static void discard(void *prepared)
{
    log_say(LOG_LIFE, "", "discarded", {"mark", log_number(*(unsigned *)prepared)});
    free(prepared);
}

static void stopping(void *prepared)
{
    (void)prepared;
    shutdown(listener, SHUT_RDWR);
    close(listener);
    listener = -1;
}

static void buried(void *prepared, unsigned slot)
{
    log_say(LOG_LIFE, "", "buried", {"mark", log_number(*(unsigned *)prepared)},
            {"slot", log_number(slot)});
}

static unsigned count_workers(const struct settings *s)
{
    return (unsigned)s->global.workers;
}

static unsigned count_one(const struct settings *s)
{
    (void)s;
    return 1;
}

static void answer(const struct child *child, struct pollfd *session, struct pollfd *orders)
{
    char line[64];
    ssize_t len = read(session->fd, line, sizeof line - 1);

    line[len > 0 ? len : 0] = 0;
    if (strcmp(line, "die\n") == 0)
        _exit(3);
    if (strcmp(line, "deaf\n") == 0)
        orders->fd = -1;
    if (len > 0 && dprintf(session->fd, "pid=%d slot=%u number=%u name=%s\n", (int)getpid(),
                           child->slot, child->number, child->settings->global.host_name) > 0)
        return;
    close(session->fd);
    session->fd = -1;
}

static void greet(struct pollfd *fds)
{
    if (fds[LISTENER].revents != POLLIN) { /* the program stops */
        fds[LISTENER].fd = -1;
        return;
    }
    for (int i = FIRST; i < SESSIONS; i++)
        if (fds[i].fd < 0) {
            fds[i].fd = accept(fds[LISTENER].fd, NULL, NULL);
            return;
        }
}

static bool has_sessions(const struct pollfd *fds)
{
    for (int i = FIRST; i < SESSIONS; i++)
        if (fds[i].fd >= 0)
            return true;
    return false;
}

static int serve(const struct child *child, struct pollfd *fds)
{
    while (fds[ORDERS].fd >= 0 || has_sessions(fds)) {
        if (poll(fds, SESSIONS, -1) < 0)
            return 4;
        if (fds[ORDERS].revents && child_should_drain(child)) {
            log_say(LOG_LIFE, "", "draining", {"slot", log_number(child->slot)});
            fds[ORDERS].fd = fds[LISTENER].fd = -1;
            fds[LISTENER].revents = 0;
        }
        if (fds[LISTENER].revents)
            greet(fds);
        for (int i = FIRST; i < SESSIONS; i++)
            if (fds[i].fd >= 0 && fds[i].revents)
                answer(child, &fds[i], &fds[ORDERS]);
    }
    return 0;
}

static int work(struct child *child)
{
    struct pollfd fds[SESSIONS];
    int status;

    if (is_named(child->settings, "bad-child"))
        return 5;
    for (int i = 0; i < SESSIONS; i++)
        fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    fds[ORDERS].fd = child->orders;
    fds[LISTENER].fd = listener;
    child_ready(child);
    status = serve(child, fds);
    log_say(LOG_LIFE, "", "drained", {"role", SPAN("worker")}, {"slot", log_number(child->slot)},
            {"name", span_of(child->settings->global.host_name)});
    return status;
}

static int sit(const struct child *child, const char *role)
{
    struct pollfd orders = {.fd = child->orders, .events = POLLIN};
    struct log_pair about[] = {{"role", span_of(role)},
                               {"name", span_of(child->settings->global.host_name)}};

    log_pairs(LOG_LIFE, "", "begins", about, COUNT_OF(about));
    child_ready(child);
    while (!child_should_drain(child))
        if (poll(&orders, 1, -1) < 0 && errno != EINTR)
            return 4;
    log_pairs(LOG_LIFE, "", "ends", about, COUNT_OF(about));
    return 0;
}

static int write_down(struct child *child)
{
    return is_named(child->settings, "bad-scribe") ? 6 : sit(child, "scribe");
}

static int look_up(struct child *child)
{
    return sit(child, "reader");
}

int main(int argc, char **argv)
{
    static const struct role roles[] = {
        {.name = "worker", .count = count_workers, .run = work, .buried = buried},
        {.name = "scribe", .count = count_one, .run = write_down, .exclusive = true},
        {.name = "reader", .count = count_one, .run = look_up, .serves_others = true},
        {.name = NULL},
    };
    static const struct program toy = {
        .name = "toy",
        .summary = "serves no mail",
        .roles = roles,
        .prepare = prepare,
        .discard = discard,
        .stopping = stopping,
    };

    return daemon_main(&toy, argc, argv);
}
