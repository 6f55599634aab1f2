/* SPDX-License-Identifier: Apache-2.0 */
#include "run/watch.h"

#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "tell/log.h"

int watch_open(const char *folder)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    if (fd >= 0 &&
        inotify_add_watch(fd, folder, IN_MODIFY | IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
        close(fd);
        fd = -1;
    }
    if (fd < 0)
        log_say(LOG_LIFE, "", "spool-unwatched", {"folder", span_of(folder)},
                {"why", span_of(strerror(errno))}, {"then", SPAN("looked at five times a second")});
    return fd;
}

void watch_clear(int fd)
{
    char events[4096] __attribute__((aligned(8)));

    while (fd >= 0 && read(fd, events, sizeof events) > 0)
        ;
}
