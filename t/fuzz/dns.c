/* SPDX-License-Identifier: Apache-2.0
 *
 * A DNS message, read as an answer of each type, and for its texts.
 */
#include "dns/dns.h"

#include "rule/tlsa.h"

#include "fuzz.h"

int fuzz_reached;

static void on_text(void *arg, struct span text)
{
    (void)arg;
    promise(text.len <= DNS_TEXT);
    fuzz_reached++;
}

static void read_tlsa(struct span content)
{
    struct tlsa t;

    if (tlsa_read(content, &t)) {
        promise(t.len > 0 && t.len <= TLSA_DATA);
        promise(tlsa_choose(&t, 1) == 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const enum dns_type types[] = {DNS_A, DNS_AAAA, DNS_MX, DNS_CNAME, DNS_TLSA};
    struct dns_record found[8];
    char end[DNS_NAME];

    for (size_t i = 0; i < COUNT_OF(types); i++) {
        size_t count = 0;

        if (!dns_read((struct span){(const char *)bytes, size}, types[i], found, COUNT_OF(found),
                      &count))
            continue;
        promise(count <= COUNT_OF(found));
        for (size_t k = 0; k < count; k++) {
            promise(memchr(found[k].name, '\0', sizeof found[k].name));
            if (types[i] == DNS_TLSA)
                read_tlsa(found[k].content);
        }
        fuzz_reached += count > 0;
    }
    if (dns_read_end((struct span){(const char *)bytes, size}, end)) {
        promise(memchr(end, '\0', sizeof end));
        fuzz_reached++;
    }
    fuzz_reached += dns_read_texts((struct span){(const char *)bytes, size}, on_text, NULL);
    return 0;
}
