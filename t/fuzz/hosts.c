/* SPDX-License-Identifier: Apache-2.0
 *
 * smtp-hosts.
 */
#include "rule/hosts.h"

#include "fuzz.h"

int fuzz_reached;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct hosts all;
    const char *why = NULL;
    bool is = hosts_read((struct span){(const char *)bytes, size}, 25, &all, &why);

    promise(is || why);
    for (size_t i = 0; is && i < all.count; i++)
        promise(all.count <= HOSTS_MAX && all.at[i].at.port > 0 &&
                (all.at[i].kind == HOST_ADDRESS || all.at[i].name[0]));
    fuzz_reached += is && all.count > 1;
    return 0;
}
