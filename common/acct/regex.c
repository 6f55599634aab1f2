/* SPDX-License-Identifier: Apache-2.0 */
#include "acct/regex.h"

#include <stdio.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { HEAP_KB = 4096 };

struct regex {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
};

static pcre2_code *compile(struct span pattern, char *why, size_t size)
{
    unsigned char words[160];
    PCRE2_SIZE at = 0;
    int error = 0;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern.at, pattern.len,
                                     PCRE2_CASELESS | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF |
                                         PCRE2_NEVER_BACKSLASH_C,
                                     &error, &at, NULL);

    if (code)
        return code;
    if (pcre2_get_error_message(error, words, sizeof words) < 0)
        words[0] = '\0';
    snprintf(why, size, "%s, after %zu bytes", (const char *)words, at);
    return NULL;
}

struct regex *regex_new(struct span pattern, char *why, size_t size)
{
    struct regex *r = calloc(1, sizeof *r);

    snprintf(why, size, "no memory");
    if (!r || !(r->code = compile(pattern, why, size)) ||
        !(r->match = pcre2_match_data_create(1, NULL)) ||
        !(r->limits = pcre2_match_context_create(NULL))) {
        regex_free(&r);
        return NULL;
    }
    pcre2_set_match_limit(r->limits, REGEX_STEPS);
    pcre2_set_depth_limit(r->limits, REGEX_STEPS);
    pcre2_set_heap_limit(r->limits, HEAP_KB);
    /* Where that cannot be, it is interpreted. */
    (void)pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
    return r;
}

void regex_free(struct regex **r)
{
    if (*r) {
        pcre2_match_context_free((*r)->limits);
        pcre2_match_data_free((*r)->match);
        pcre2_code_free((*r)->code);
    }
    free(*r);
    *r = NULL;
}

enum regex_end regex_find(const struct regex *r, struct span text)
{
    int got = pcre2_match(r->code, (PCRE2_SPTR)(text.len ? text.at : ""), text.len, 0, 0, r->match,
                          r->limits);

    if (got >= 0)
        return REGEX_IS;
    return got == PCRE2_ERROR_NOMATCH ? REGEX_IS_NOT : REGEX_GAVE_UP;
}
