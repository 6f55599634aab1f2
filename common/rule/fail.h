/* SPDX-License-Identifier: Apache-2.0
 *
 * fail - the ways a delivery fails, with all their faces. See fail.def.
 */
#pragma once

enum fail {
    FAIL_NOT,
#define FAIL(name, word, reply, doc) FAIL_##name,
#include "rule/fail.def"
#undef FAIL
    FAIL_COUNT,
};

/* All are static texts; of FAIL_NOT they are "". */
const char *fail_word(enum fail f);
const char *fail_reply(enum fail f); /* without line end */
