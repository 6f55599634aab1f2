/* SPDX-License-Identifier: Apache-2.0
 *
 * reason - why a session ended.
 */
#pragma once

enum reason {
#define REASON(name, word, doc) REASON_##name,
#include "proxy-out/reason.def"
#undef REASON
    REASON_COUNT,
};

const char *reason_word(enum reason why);
