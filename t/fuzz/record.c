/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes are a line of the spool, or are none; what is one is written and read again as it
 * was, cleaned. What is known of it from the first time makes no difference.
 */
#include "tell/alike.h"

#include "fuzz.h"

int fuzz_reached;

static void write_again(const struct record *r, struct buf *to)
{
    struct span line;

    buf_init(to, RECORD_MAX);
    promise(record_write(to, r));
    line = buf_peek(to);
    promise(line.len <= RECORD_MAX && memchr(line.at, '\n', line.len) == line.at + line.len - 1);
    for (size_t i = 0; i + 1 < line.len; i++)
        promise((unsigned char)line.at[i] >= ' ' && line.at[i] != 0x7f);
}

static void read_alike(struct span line, const struct record *should)
{
    struct alike *a = alike_new();
    struct record_memory *memory;
    struct record r;

    for (int turn = 0; turn < 2 && line.len > 0 && line.at[line.len - 1] != '\n'; turn++) {
        promise(alike_read(a, line, &r, &memory) && r.what == should->what &&
                span_same(r.key, should->key) && r.header_count == should->header_count);
        for (size_t c = 0; c < COLUMN_COUNT; c++)
            promise(span_same(r.column[c], should->column[c]));
        record_forget(&memory);
    }
    alike_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct record_memory *memory, *again;
    struct record r, same;
    struct buf once, twice;

    if (!record_read((struct span){(const char *)bytes, size}, &r, &memory)) {
        promise(!memory);
        return 0;
    }
    fuzz_reached++;
    read_alike((struct span){(const char *)bytes, size}, &r);
    write_again(&r, &once);
    promise(record_read(buf_peek(&once), &same, &again));
    promise(same.what == r.what && (same.queued > 0) == (r.queued > 0));
    write_again(&same, &twice);
    promise(buf_len(&once) == buf_len(&twice) &&
            memcmp(buf_peek(&once).at, buf_peek(&twice).at, buf_len(&once)) == 0);
    record_forget(&memory);
    record_forget(&again);
    buf_clear(&once);
    buf_clear(&twice);
    return 0;
}
