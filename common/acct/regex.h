/* SPDX-License-Identifier: Apache-2.0
 *
 * regex - the door to PCRE2: is a pattern in a text, in any case?
 *
 * Texts are of strangers, patterns may be careless: a search that takes more than REGEX_STEPS
 * steps is given up. Both are UTF-8; what in the text is none matches nothing. Where the system
 * lets no memory be made executable (systemd's MemoryDenyWriteExecute), patterns are not compiled
 * to machine code, and searches take a few times as long.
 */
#pragma once

#include "base/span.h"

enum { REGEX_STEPS = 100000 };

struct regex;

/* NULL: PCRE2's words for what is wrong with it, and after how many bytes. */
struct regex *regex_new(struct span pattern, char *why, size_t size);
void regex_free(struct regex **r);

enum regex_end { REGEX_IS_NOT, REGEX_IS, REGEX_GAVE_UP };

enum regex_end regex_find(const struct regex *r, struct span text);
