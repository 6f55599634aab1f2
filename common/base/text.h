/* SPDX-License-Identifier: Apache-2.0
 *
 * text - clean what others said before people or files see it.
 */
#pragma once

#include "base/span.h"

/* Copies what fits, with a NUL: bytes below SPACE and DEL become '?'. UTF-8 stays if it
 * is well formed and no control character (C1), else its bytes become '?'; it is never
 * cut inside a character. The length comes back. */
size_t text_clean(char *to, size_t size, struct span from);

/* `to` is as a value in key=value: cleaned, and in quotes (with \" and \\) if it is empty
 * or holds a space, a quote or '='. The length comes back; cut to fit. */
size_t text_quote(char *to, size_t size, struct span from);

/* strlcpy for spans: cut to fit, with a NUL. */
void text_copy(char *to, size_t size, struct span from);

/* The number that all of `s` spells in decimal. False: not one, or above `most`. */
MUST bool text_number(struct span s, unsigned long most, unsigned long *out);

/* `n` in decimal, without a NUL; its length comes back. */
enum { TEXT_DECIMAL = 20 };
size_t text_decimal(char to[TEXT_DECIMAL], unsigned long n);

/* Two small hex digits for each byte, without a NUL; their number comes back, for which `to` has
 * room. */
size_t text_hex(char *to, struct span bytes);

/* Is it well-formed UTF-8 (RFC 3629), ASCII included? */
bool text_is_utf8(struct span s);

/* How many bytes at the front are plain: ASCII that people may see, but no quote (") and no
 * backslash. */
size_t text_plain(struct span s);

/* Copies `s`, for which `to` has room. Is all of it plain? If not, what was copied means nothing.
 */
MUST bool text_copy_plain(char *to, struct span s);

/* The bytes of the character at the front of `s`, which is not empty; 0 if it is not well formed
 * (RFC 3629, 4: no overlong forms, no surrogates, nothing above U+10FFFF). */
size_t text_character(struct span s);
