/* SPDX-License-Identifier: Apache-2.0 */
#include "t/lib/pipes.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "t/lib/folder.h"

char pipes_state[64];
struct backlog pipes_backlog;

int pipes_make(void **state)
{
    (void)state;
    snprintf(pipes_state, sizeof pipes_state, "/tmp/pipes.XXXXXX");
    return !mkdtemp(pipes_state) || heard_begin() ||
           !backlog_open(pipes_state, PIPES_TITLE, false, 1000, &pipes_backlog);
}

int pipes_remove(void **state)
{
    (void)state;
    heard_end();
    return folder_remove(pipes_state);
}

static const char *path_of(const char *name)
{
    static char path[BACKLOG_PATH];

    snprintf(path, sizeof path, "%s/%s", pipes_backlog.folder, name);
    return path;
}

void pipes_put(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

bool pipes_has(const char *name)
{
    return access(path_of(name), F_OK) == 0;
}

void pipes_rows(const char *name, unsigned first, unsigned count)
{
    FILE *f = fopen(path_of(name), "w");

    assert_non_null(f);
    fputs(PIPES_HEADER, f);
    for (unsigned i = 0; i < count; i++)
        fprintf(f, "d,%06u\r\n", first + i);
    assert_int_equal(fclose(f), 0);
}
