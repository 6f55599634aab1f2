/* SPDX-License-Identifier: Apache-2.0 */
#include "way/from.h"

#include "base/span.h"

bool source_read(const char *text, struct addr *v4, bool *has_v4, struct addr *v6, bool *has_v6)
{
    struct span rest = span_of(text);

    *has_v4 = *has_v6 = false;
    while (rest.len > 0) {
        struct span word = span_cut(&rest, ' ');
        struct addr at;

        if (word.len == 0)
            continue;
        if (!addr_read(word, &at) || (addr_is_v4(&at) ? *has_v4 : *has_v6))
            return false;
        *(addr_is_v4(&at) ? v4 : v6) = at;
        *(addr_is_v4(&at) ? has_v4 : has_v6) = true;
    }
    return true;
}
