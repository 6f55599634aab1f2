/* SPDX-License-Identifier: Apache-2.0
 *
 * header - a few wanted fields of a message's header section (RFC 5322, 2.2), as it passes.
 *
 * Fed with the message in whatever pieces it comes, as it is on the wire. Looks at the beginning of
 * each line of the header section and at the wanted fields, and is over once all of those are
 * found, at the empty line, or after HEADER_BOUND bytes. Of each name the first field counts.
 *
 * Values are unfolded and without spaces around them; tabs are spaces; encoded words stay as they
 * are. Of long ones the beginning is kept. A name that begins with a dot is never found, since on
 * the wire there is one more.
 */
#pragma once

#include <stdint.h>

#include "base/span.h"

enum { HEADER_MOST = 16, HEADER_VALUE = 512, HEADER_NAME = 64, HEADER_BOUND = 256 << 10 };

struct header {
    const struct span *wanted; /* borrowed; names without the colon, shorter than HEADER_NAME */
    size_t count;              /* of them, at most HEADER_MOST */
    enum {
        HEADER_BEGINS, /* a line does */
        HEADER_NAMES,  /* and goes on with what may be a wanted name */
        HEADER_SKIPS,
        HEADER_TAKES,
        HEADER_OVER,
    } is;
    size_t missing, seen;
    uint32_t firsts; /* letters that wanted names begin with */
    size_t field;    /* the wanted one that this line, or the one before it, belongs to, if any */
    char *value[HEADER_MOST]; /* ours; NULL: not found */
    size_t len;               /* of what follows: the line's name, then the field's value so far */
    char text[HEADER_VALUE];
};

/* `wanted` must live as long. */
void header_init(struct header *h, const struct span *wanted, size_t count);
void header_clear(struct header *h);
void header_feed(struct header *h, struct span message);

/* The message is over, though there was no empty line. */
void header_end(struct header *h);

/* A field that comes whole (from a milter), its name without the colon. */
void header_field(struct header *h, struct span name, struct span value);

/* Of the wanted one `at`; good until header_clear(). NULL: it was not found. */
const char *header_value(const struct header *h, size_t at);
