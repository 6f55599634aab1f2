/* SPDX-License-Identifier: Apache-2.0
 *
 * The TXT record of MTA-STS, with what stands behind a line break as the next record.
 */
#include "sts/sts_record.h"

#include "fuzz.h"

int fuzz_reached;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct span rest = {(const char *)bytes, size};
    struct sts_record r = {.count = 0};

    while (rest.len > 0)
        sts_record_add(&r, span_cut(&rest, '\n'));
    promise(memchr(r.id, '\0', sizeof r.id));
    for (const char *c = r.id; *c; c++)
        promise((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z'));
    promise(!sts_record_is(&r) || r.id[0]);
    fuzz_reached += sts_record_is(&r);
    return 0;
}
