/* SPDX-License-Identifier: Apache-2.0
 *
 * A DNS message, read as an answer of each type, and for its texts.
 */
#include "dns/dns.h"

#include "fuzz.h"

int fuzz_reached;

static void on_text(void *arg, struct span text)
{
    (void)arg;
    promise(text.len <= DNS_TEXT);
    fuzz_reached++;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const enum dns_type types[] = {DNS_A, DNS_AAAA, DNS_MX};
    struct dns_record found[8];

    for (size_t i = 0; i < COUNT_OF(types); i++) {
        size_t count = 0;

        if (!dns_read((struct span){(const char *)bytes, size}, types[i], found, COUNT_OF(found),
                      &count))
            continue;
        promise(count <= COUNT_OF(found));
        for (size_t k = 0; k < count; k++)
            promise(memchr(found[k].name, '\0', sizeof found[k].name));
        fuzz_reached += count > 0;
    }
    fuzz_reached += dns_read_texts((struct span){(const char *)bytes, size}, on_text, NULL);
    return 0;
}
