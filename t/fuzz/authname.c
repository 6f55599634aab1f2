/* SPDX-License-Identifier: Apache-2.0
 *
 * A mechanism, a space and any response: a name, or none.
 */
#include "smtp/authname.h"

#include "fuzz.h"

int fuzz_reached;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct span rest = {(const char *)bytes, size}, mechanism = span_cut(&rest, ' ');
    char name[AUTHNAME_SIZE];
    size_t len = authname_read(name, authname_find(mechanism), rest);

    promise(len < sizeof name && strlen(name) == len && len <= size);
    for (size_t i = 0; i < len; i++)
        promise((unsigned char)name[i] >= ' ' && name[i] != 0x7f);
    fuzz_reached += len > 0;
    return 0;
}
