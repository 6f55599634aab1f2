/* SPDX-License-Identifier: Apache-2.0
 *
 * poison - does the sanitizer take memory for freed? For tests of what is given back and not freed.
 */
#pragma once

#include <sanitizer/asan_interface.h>

#include "t/unit/unit.h"

#pragma weak __asan_address_is_poisoned

/* Without sanitizers nothing ever is. */
static inline bool is_poisoned(const void *at)
{
    return __asan_address_is_poisoned && __asan_address_is_poisoned(at);
}

/* False: built without sanitizers, and the test's output says so. */
static inline bool poison_is_seen(void)
{
    if (!__asan_address_is_poisoned)
        print_message("# skip: built without sanitizers\n"); /* cmocka's skip() says `not ok` */
    return __asan_address_is_poisoned;
}
