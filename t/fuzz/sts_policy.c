/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of an MTA-STS policy: what was read is what is written.
 */
#include "sts/sts_policy.h"

#include "fuzz.h"

int fuzz_reached;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct sts_policy p, again;
    static char text[STS_POLICY_TEXT];
    size_t len;

    if (!sts_policy_read((struct span){(const char *)bytes, size}, &p))
        return 0;
    promise(p.count <= STS_POLICY_MX && p.max_age <= STS_POLICY_MAX_AGE);
    promise(p.count > 0 || p.mode == STS_NONE);
    promise((len = sts_policy_write(&p, text, sizeof text)) > 0);
    promise(sts_policy_read((struct span){text, len}, &again));
    promise(again.mode == p.mode && again.max_age == p.max_age && again.count == p.count);
    for (size_t i = 0; i < p.count; i++)
        promise(strcmp(p.mx[i], again.mx[i]) == 0);
    fuzz_reached++;
    return 0;
}
