/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/fail.h"

enum { LAST = false, NEXT = true };

static const struct {
    const char *word, *reply, *tlsrpt;
    bool next;
} fails[FAIL_COUNT] = {
    [FAIL_NOT] = {"", "", "", false},
#define FAIL(name, word, reply, tlsrpt, next, doc) [FAIL_##name] = {word, reply, tlsrpt, next},
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

const char *fail_tlsrpt(enum fail f)
{
    return fails[f].tlsrpt;
}

bool fail_allows_next(enum fail f)
{
    return fails[f].next;
}
