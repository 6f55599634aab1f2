/* SPDX-License-Identifier: Apache-2.0 */
#include "t/lib/heard.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tell/log.h"

static int caught = -1, shown = -1;
static off_t seen;

int heard_begin(void)
{
    fflush(stderr);
    caught = memfd_create("heard", MFD_CLOEXEC);
    shown = dup(STDERR_FILENO);
    seen = 0;
    log_open("test", LOG_TO_STDERR, LOG_LIFE);
    return caught < 0 || shown < 0 || dup2(caught, STDERR_FILENO) < 0;
}

void heard_end(void)
{
    dup2(shown, STDERR_FILENO);
    close(shown);
    close(caught);
}

const char *heard_lines(void)
{
    static char text[65536];
    ssize_t len = pread(caught, text, sizeof text - 1, seen);

    text[len > 0 ? len : 0] = '\0';
    seen += len > 0 ? len : 0;
    return text;
}
