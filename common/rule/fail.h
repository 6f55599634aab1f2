/* SPDX-License-Identifier: Apache-2.0
 *
 * fail - the ways a delivery fails, with all their faces. See fail.def.
 */
#pragma once

#include "base/span.h"

enum fail {
    FAIL_NOT,
#define FAIL(name, word, reply, result, category, doc) FAIL_##name,
#include "rule/fail.def"
#undef FAIL
    FAIL_COUNT,
};

/* All are static texts; of FAIL_NOT they are "". */
const char *fail_word(enum fail f);
const char *fail_reply(enum fail f); /* without line end */

/* What RFC 8460 (4.3) calls it; "": it is not about TLS. */
const char *fail_result(enum fail f);

/* The same of a word, as in dlvTlsError, which may also be sts_trouble_word()'s. */
const char *fail_word_result(struct span word);

/* Its bounceCat; "": what the server said decides. */
const char *fail_category(enum fail f);
