/* SPDX-License-Identifier: Apache-2.0
 *
 * command - the program of acct-file "|PROGRAM ARGUMENTS", without a shell.
 *
 * Words stand apart by blanks. '...' and "..." hold blanks; \ takes the next byte as it is, but
 * not inside of '...'. Nothing else has a meaning: no $, no *, no second |.
 */
#pragma once

#include "base/span.h"

enum { COMMAND_WORDS = 64, COMMAND_TEXT = 4096 };

struct command {
    char *word[COMMAND_WORDS + 1]; /* as for execv(); they point into `text` */
    char text[COMMAND_TEXT];
};

/* Is this title of an acct-file a program's? */
static inline bool command_is(const char *title)
{
    return *title == '|';
}

/* NULL, or what is wrong and the remedy. The first word is an absolute path then. */
const char *command_read(const char *title, struct command *out);
