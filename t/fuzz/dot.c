/* SPDX-License-Identifier: Apache-2.0
 *
 * The first byte says how it is read; the rest is the message, in pieces.
 */
#include "smtp/dot.h"

#include "fuzz.h"

int fuzz_reached;

/* What is passed on has lines that end in CRLF, no other CR or LF, no NUL, no lone dot. */
static void check(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        promise(text[i] != '\0');
        promise(text[i] != '\r' || (i + 1 < len && text[i + 1] == '\n'));
        promise(text[i] != '\n' || (i > 0 && text[i - 1] == '\r'));
        if (i == 0 || text[i - 1] == '\n')
            promise(len - i < 3 || memcmp(text + i, ".\r\n", 3) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1)
        return 0;
    size_t left = size - 1, from = 0, to = 0, seen, step = 1 + (bytes[0] >> 1);
    char *text = malloc(left + 1);
    enum dot_verdict v = DOT_MORE;
    struct dot d;

    promise(text);
    memcpy(text, bytes + 1, left);
    dot_init(&d, bytes[0] & 1 ? DOT_NORMALIZE : DOT_REJECT);
    while (v == DOT_MORE && to < left) {
        to = left - to < step ? left : to + step;
        v = dot_scan(&d, text + from, to - from, &seen);
        promise(seen <= to - from);
        from += seen;
        promise(v != DOT_MORE || to - from <= DOT_HELD);
    }
    check(text, from);
    promise(v != DOT_BARE || d.bare == DOT_REJECT);
    if (v == DOT_END)
        promise(memcmp(text + from, ".\r\n", DOT_LINE) == 0);
    fuzz_reached += v == DOT_END && from > 0;
    free(text);
    return 0;
}
