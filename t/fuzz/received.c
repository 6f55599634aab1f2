/* SPDX-License-Identifier: Apache-2.0
 *
 * The first byte says how long the pieces are; the rest is a message. However it is cut, the
 * same comes out.
 */
#include "smtp/received.h"

#include "fuzz.h"

int fuzz_reached;

static struct received feed(struct span message, size_t step)
{
    struct received r;

    received_init(&r);
    for (size_t len; message.len; message = span_after(message, len)) {
        len = message.len < step ? message.len : step;
        received_feed(&r, (struct span){message.at, len});
        promise(r.field.size <= 4096);
    }
    promise(strlen(r.by) < sizeof r.by && strlen(r.id) < sizeof r.id);
    promise(!strpbrk(r.by, " ,\"\r\n") && !strpbrk(r.id, " ,\"\r\n"));
    received_clear(&r);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1)
        return 0;
    struct span message = {(const char *)bytes + 1, size - 1};
    struct received a = feed(message, 1 + bytes[0]), b = feed(message, size);

    promise(a.is == b.is && strcmp(a.by, b.by) == 0 && strcmp(a.id, b.id) == 0);
    fuzz_reached += a.is == RECEIVED_FOUND;
    return 0;
}
