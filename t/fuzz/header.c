/* SPDX-License-Identifier: Apache-2.0
 *
 * The first byte says how long the pieces are; the rest is a message. However it is cut, the
 * same fields come out.
 */
#include "smtp/header.h"

#include "fuzz.h"

int fuzz_reached;

static const struct span wanted[] = {SPAN("X-A"), SPAN("Subject")};

static void feed(struct header *h, struct span message, size_t step)
{
    header_init(h, wanted, COUNT_OF(wanted));
    for (size_t len; message.len; message = span_after(message, len)) {
        len = message.len < step ? message.len : step;
        header_feed(h, (struct span){message.at, len});
    }
    header_end(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct header a, b;

    if (size < 1)
        return 0;
    struct span message = {(const char *)bytes + 1, size - 1};

    feed(&a, message, 1 + bytes[0]);
    feed(&b, message, size);
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        const char *one = header_value(&a, i), *other = header_value(&b, i);

        promise(!one == !other && (!one || !strcmp(one, other)));
        promise(!one || (strlen(one) <= HEADER_VALUE && !strpbrk(one, "\n\t")));
        fuzz_reached += one != NULL;
    }
    header_clear(&a);
    header_clear(&b);
    return 0;
}
