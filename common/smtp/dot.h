/* SPDX-License-Identifier: Apache-2.0
 *
 * dot - where a message ends.
 *
 * Follows the message to the line that holds a lone dot (RFC 5321, 4.1.1.4). Only CRLF
 * ends a line. A CR or LF on its own and a NUL are never passed on as they are: either
 * they are refused, or each becomes one space, so that the length stays and no line
 * begins; so no two readers of one message can disagree about where it ends. Bytes that
 * may yet turn out to be its end are held back until the next ones tell.
 */
#pragma once

#include "base/span.h"

enum dot_bare { DOT_REJECT, DOT_NORMALIZE }; /* as the words of smtp-bare-newline */
enum dot_verdict { DOT_MORE, DOT_END, DOT_BARE };

struct dot {
    enum dot_bare bare;
    bool in_line;   /* what was seen so far does not end with a line */
    size_t stuffed; /* dots that begin a line: they are no part of the message (4.5.2) */
};

void dot_init(struct dot *d, enum dot_bare bare);

/* Looks at bytes that were not looked at before, but begins with those that the last call
 * held back: at most DOT_HELD of them. `*seen` are now message and may be passed on (without
 * the lone dot's line); the rest is held back. DOT_END: the lone dot's line takes DOT_LINE
 * bytes behind `*seen`. DOT_BARE: refused; nothing behind `*seen` may be passed on. */
enum { DOT_HELD = 2, DOT_LINE = 3 };
MUST enum dot_verdict dot_scan(struct dot *d, char *bytes, size_t len, size_t *seen);
