/* SPDX-License-Identifier: Apache-2.0 */
#include "run/watch.h"

#include <errno.h>
#include <stdint.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "tell/log.h"

/* One change is told and no more until it was heard: whoever writes pays for what is told. */
static bool arm(int fd, const char *folder)
{
    const uint32_t changes = IN_MODIFY | IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO;

    return inotify_add_watch(fd, folder, changes | IN_ONESHOT) >= 0;
}

int watch_open(const char *folder)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    if (fd >= 0 && !arm(fd, folder)) {
        close(fd);
        fd = -1;
    }
    if (fd < 0)
        log_say(LOG_LIFE, "", "spool-unwatched", {"folder", span_of(folder)},
                {"why", span_of(strerror(errno))}, {"then", SPAN("looked at five times a second")});
    return fd;
}

void watch_clear(int fd, const char *folder)
{
    char events[4096] __attribute__((aligned(8)));

    if (fd < 0)
        return;
    while (read(fd, events, sizeof events) > 0)
        ;
    (void)arm(fd, folder);
}
