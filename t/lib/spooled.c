/* SPDX-License-Identifier: Apache-2.0 */
#include "t/lib/spooled.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "t/unit/unit.h"

char folder[64], why[256];
bool maps;

int make_folder(void **state)
{
    (void)state;
    maps = false;
    snprintf(folder, sizeof folder, "/tmp/spool.XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

int make_mapped_folder(void **state)
{
    (void)state;
    maps = true;
    snprintf(folder, sizeof folder, "/dev/shm/spool.XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

int remove_folder(void **state)
{
    DIR *dir = opendir(folder);

    (void)state;
    for (struct dirent *e = readdir(dir); e; e = readdir(dir))
        unlinkat(dirfd(dir), e->d_name, 0);
    closedir(dir);
    return rmdir(folder);
}

struct spool *opened(const char *kind)
{
    struct spool *s = spool_open(folder, kind, why, sizeof why);

    if (!s)
        fail_msg("%s", why);
    if (maps)
        spool_map(s);
    return s;
}

struct spool_segment last_segment(size_t should)
{
    struct spool_segment *list, last;

    assert_int_equal(spool_list(folder, &list), should);
    last = list[should - 1];
    free(list);
    return last;
}

bool read_named(const char *name, bool closed, struct buf *to)
{
    struct spool_segment from = {.closed = closed};

    snprintf(from.name, sizeof from.name, "%s", name);
    return spool_read(folder, &from, 0, to);
}

bool read_last(size_t should, struct buf *to)
{
    struct spool_segment last = last_segment(should);

    return spool_read(folder, &last, 0, to);
}
