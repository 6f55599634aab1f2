/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/fail.h"

static const struct {
    const char *word, *reply;
} fails[FAIL_COUNT] = {
    [FAIL_NOT] = {"", ""},
#define FAIL(name, word, reply, doc) [FAIL_##name] = {word, reply},
#include "rule/fail.def"
#undef FAIL
};

const char *fail_word(enum fail f)
{
    return fails[f].word;
}

const char *fail_reply(enum fail f)
{
    return fails[f].reply;
}
