/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes are an accounting file, as CSV or JSON: each row lies in its line, and no line makes
 * more than one.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "csv/rows.h"
#include "fuzz.h"

int fuzz_reached;

static const char *const wanted[] = {"type", "rcpt", "dsnDiag", "queue"};

/* All of it is memory that one may read: sanitizers see to that, if it is read. */
static void touch(struct span s)
{
    volatile char byte = 0;

    for (size_t i = 0; i < s.len; i++)
        byte = s.at[i];
    (void)byte;
}

static void read_all(struct rows *r, struct feed *f, size_t lines)
{
    struct span cells[4];
    enum rows_got got;
    uint64_t line = 0;

    rows_begin(r, f);
    while ((got = rows_next(r, cells)) != ROWS_END) {
        promise(rows_line(r) > line && rows_line(r) <= lines + 1);
        line = rows_line(r);
        promise(got != ROWS_ROW || cells[0].at);
        for (size_t i = 0; got == ROWS_ROW && i < 4; i++)
            touch(cells[i]);
        fuzz_reached += got == ROWS_ROW;
    }
    promise(rows_next(r, cells) == ROWS_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct rows *rows;
    int fd = memfd_create("rows", MFD_CLOEXEC);
    struct feed *feed = feed_of(fd);
    size_t lines = 0;

    if (!rows)
        rows = rows_new(wanted, 4);
    promise(rows && feed && write(fd, bytes, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
    for (size_t i = 0; i < size; i++)
        lines += bytes[i] == '\n';
    if (size > 2 && (bytes[0] == 0x1f || bytes[0] == 0x28 || bytes[0] > 127)) /* perhaps packed */
        lines = SIZE_MAX - 1;
    read_all(rows, feed, lines);
    feed_free(&feed);
    close(fd);
    return 0;
}
