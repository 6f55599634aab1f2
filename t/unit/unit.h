/* SPDX-License-Identifier: Apache-2.0
 *
 * unit - cmocka, with the headers it wants first.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/span.h"

/* A table's row that does not hold says its name. */
#define assert_row(holds, name)              \
    do {                                     \
        if (!(holds))                        \
            fail_msg("%s: " #holds, (name)); \
    } while (0)

#define assert_span(s, text)                                                       \
    do {                                                                           \
        struct span got_ = (s);                                                    \
        if (!span_is(got_, text))                                                  \
            fail_msg("got '%.*s', want '%s'", SPAN_ARG(got_), (const char *)text); \
    } while (0)
