/* SPDX-License-Identifier: Apache-2.0
 *
 * line - the next line of a dialogue.
 */
#pragma once

#include "base/span.h"

enum line_is {
    LINE_NOT_YET,
    LINE_WHOLE,
    LINE_TOO_LONG,
    LINE_BROKEN, /* ends in LF alone, holds CR or NUL, or begins as no line of text does */
};

/* Looks for the line at the front of `in`. A whole one comes back in `out` without its CRLF,
 * with which it takes at most `max` bytes. */
MUST enum line_is line_find(struct span in, size_t max, struct span *out);

/* Bytes of a line that not every place allows. */
enum { LINE_HAS_BREAK = 1, LINE_HAS_CONTROL = 2, LINE_HAS_8BIT = 4 };

/* Which of them there are. A break (CR, LF, NUL) is a control character too. */
unsigned line_has(struct span line);

/* Is it the first line of an HTTP request, or ends like one? */
bool line_is_http(struct span line);

/* Is it a PROXY header, version 1, from somebody whose word on it does not count? (Version 2
 * holds a NUL, which breaks a line anyway.) */
bool line_is_head(struct span line);
