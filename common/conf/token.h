/* SPDX-License-Identifier: Apache-2.0
 *
 * token - the words and signs of a configuration file. For reader.c.
 */
#pragma once

#include "base/span.h"

enum token { T_END, T_WORD, T_STRING, T_REGEX, T_OPEN, T_CLOSE, T_COMMA, T_EQUALS, T_BAD };

struct token_mark {
    struct span rest;
    char *room;
    unsigned line, braces;
};

struct tokens {
    struct span rest;
    unsigned line;       /* of the next byte */
    unsigned token_line; /* of the last token */
    enum token last;
    char *memory, *room;      /* texts of tokens, one after the other; ours */
    char *text;               /* of the last WORD or STRING */
    unsigned braces;          /* open ones */
    struct token_mark before; /* the last token */
    bool regexes;             /* a word that begins with / is /REGEX/, and // no comment */
    bool lost;                /* nothing that follows would be what it seems */
    unsigned error_line;
    char error[512];
};

/* False: no memory. */
MUST bool token_start(struct tokens *t, struct span text);
void token_clear(struct tokens *t);

/* BAD with an error. */
enum token token_next(struct tokens *t);

/* Makes small letters of it. False, with an error: no name of an option or a section. */
MUST bool token_is_name(struct tokens *t, char *name);

/* As if the last one had not been taken. */
void token_back(struct tokens *t);

/* To the end of this line. */
void token_skip_line(struct tokens *t);

/* Notes what is wrong; always false. */
bool token_fail(struct tokens *t, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
