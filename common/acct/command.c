/* SPDX-License-Identifier: Apache-2.0 */
#include "acct/command.h"

#include <stdio.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* One word from `*at` on, behind which `*to` stands then. NULL: a quote has no end. */
static const char *take_word(const char *at, char **to)
{
    char quote = '\0';

    for (; *at && (quote || !is_blank(*at)); at++) {
        if (quote && *at == quote)
            quote = '\0';
        else if (!quote && (*at == '\'' || *at == '"'))
            quote = *at;
        else if (*at == '\\' && quote != '\'' && at[1])
            *(*to)++ = *++at;
        else
            *(*to)++ = *at;
    }
    *(*to)++ = '\0';
    return quote ? NULL : at;
}

const char *command_read(const char *title, struct command *out)
{
    const char *at = title + 1;
    char *to = out->text;
    size_t count = 0;

    if (strlen(title) >= sizeof out->text - COMMAND_WORDS)
        return "the command is too long; put it into a script";
    for (; *at; at += is_blank(*at)) {
        if (is_blank(*at))
            continue;
        if (count == COMMAND_WORDS)
            return "the command has too many words; put it into a script";
        out->word[count++] = to;
        at = take_word(at, &to);
        if (!at)
            return "a quote has no end; add it";
    }
    out->word[count] = NULL;
    if (count == 0 || *out->word[0] != '/')
        return "a program is named by its whole path; write |/usr/bin/PROGRAM ARGUMENTS";
    return NULL;
}
