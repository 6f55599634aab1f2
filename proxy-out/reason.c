/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/reason.h"

const char *reason_word(enum reason why)
{
    static const char *const words[] = {
#define REASON(name, word, doc) word,
#include "proxy-out/reason.def"
#undef REASON
    };

    return words[why];
}
