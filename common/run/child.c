/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/settings.h"
#include "run/daemon.h"

/* Seconds that an orphan has beyond drain-timeout, before an alarm ends it. */
enum { ORPHAN_GRACE = 60 };

void child_ready(const struct child *child)
{
    /* If it fails, the master is gone or wants us to go: child_should_drain() says so. */
    (void)!send(child->orders, "r", 1, MSG_NOSIGNAL);
}

bool child_should_drain(const struct child *child)
{
    static bool alarmed;
    struct pollfd orders = {.fd = child->orders, .events = POLLIN};

    if (poll(&orders, 1, 0) <= 0)
        return false;
    if (!alarmed)
        alarm((unsigned)child->settings->global.drain_timeout + ORPHAN_GRACE);
    alarmed = true;
    return true;
}
