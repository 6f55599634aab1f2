/* SPDX-License-Identifier: Apache-2.0
 *
 * What is read as an address or a network is shown, and read again, as the same.
 */
#include "base/addr.h"

#include "base/text.h"
#include "fuzz.h"

int fuzz_reached;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct span in = {(const char *)bytes, size};
    char text[ADDR_TEXT], shown[32];
    struct addr a, b;
    struct network n;

    if (addr_read(in, &a)) {
        promise(addr_read(span_of(addr_text(&a, text)), &b) && addr_is_same(&a, &b));
        promise(!addr_is_loopback(&a) || addr_is_private(&a));
    }
    if (addr_read_port(in, &a)) {
        promise(addr_read_port(span_of(addr_port_text(&a, text)), &b) && addr_is_same(&a, &b));
        fuzz_reached++;
    }
    if (network_read(in, &n)) {
        memcpy(a.ip, n.ip, sizeof a.ip);
        promise(n.bits <= 128 && network_has(&n, &a));
        for (unsigned bit = n.bits; bit < 128; bit++)
            promise((n.ip[bit / 8] >> (7 - bit % 8) & 1) == 0);
        fuzz_reached++;
    }
    size_t len = text_clean(shown, size % sizeof shown, in);

    promise(text_is_utf8((struct span){shown, len}));
    len = text_quote(shown, size % sizeof shown, in);
    promise(text_is_utf8((struct span){shown, len}));
    return 0;
}
