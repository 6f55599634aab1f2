/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/refusal.h"

#include <assert.h>
#include <stdio.h>

enum { WORD_MAX = 64 }; /* that of tls_facts.verify */

void refusal_codes(const struct refusal *r, char code[4], char enhanced[12])
{
    assert(r->code >= 400 && r->code <= 599 && r->subject < 1000 && r->detail < 1000);
    snprintf(code, 4, "%u", r->code % 1000);
    snprintf(enhanced, 12, "%u.%u.%u", r->code / 100 % 10, r->subject % 1000, r->detail % 1000);
}

void refusal_text(const struct refusal *r, const char *word, char to[REFUSAL_TEXT])
{
    if (*word)
        snprintf(to, REFUSAL_TEXT, "%s (%.*s)", r->text, WORD_MAX, word);
    else
        snprintf(to, REFUSAL_TEXT, "%s", r->text);
    for (char *at = to; (at = strchr(at, '%'));)
        *at = '?';
}

struct span refusal_reply(const struct refusal *r, const char *word, char room[REFUSAL_TEXT])
{
    char code[4], enhanced[12], text[REFUSAL_TEXT];
    int n;

    refusal_codes(r, code, enhanced);
    refusal_text(r, word, text);
    n = snprintf(room, REFUSAL_TEXT, "%s %s %.*s\r\n", code, enhanced,
                 REFUSAL_TEXT - (int)(sizeof code + sizeof enhanced + 4), text);
    return (struct span){room, (size_t)n};
}
