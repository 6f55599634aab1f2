/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/fail.h"

#include "rule/sts.h"

static const struct {
    const char *word, *reply, *result, *category;
} fails[FAIL_COUNT] = {
    [FAIL_NOT] = {"", "", "", ""},
#define FAIL(name, word, reply, result, category, doc) \
    [FAIL_##name] = {word, reply, result, category},
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

const char *fail_result(enum fail f)
{
    return fails[f].result;
}

const char *fail_category(enum fail f)
{
    return fails[f].category;
}

const char *fail_word_result(struct span word)
{
    for (int i = FAIL_NOT + 1; i < FAIL_COUNT; i++)
        if (span_is(word, fails[i].word))
            return fails[i].result;
    for (int i = STS_FINE + 1; i <= STS_WEBPKI_INVALID; i++)
        if (span_is(word, sts_trouble_word((enum sts_trouble)i)))
            return sts_trouble_word((enum sts_trouble)i);
    return "";
}
