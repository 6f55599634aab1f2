/* SPDX-License-Identifier: Apache-2.0
 *
 * flat - a flat JSON object as record.h writes it, read in one pass.
 *
 * Strict: no spaces, values are texts or plain numbers, of escapes there are but \" and \\, and
 * texts are UTF-8 without control characters. So nothing is copied but what has escapes.
 */
#pragma once

#include "base/span.h"

struct flat {
    struct span rest;
    bool begun;
};

struct flat_member {
    struct span name;
    struct span text; /* as it stands there */
    bool is_text;     /* else a number */
    bool escaped;     /* `text` is for flat_plain() */
    double number;
};

void flat_init(struct flat *f, struct span object);

enum flat_is { FLAT_MEMBER, FLAT_OVER, FLAT_BAD };

/* The next member; what was found is borrowed of the object. OVER: that was all, to the object's
 * last byte. */
enum flat_is flat_next(struct flat *f, struct flat_member *out);

/* Takes `start` if this is what comes next: all of a member, or of some, that flat_next() would
 * take, up to the value of a text, such as ,"name":" or {"name":" at the front. Then flat_text()
 * reads the value. */
bool flat_begins(struct flat *f, struct span start);
MUST bool flat_text(struct flat *f, struct flat_member *out);

/* The same for a number, such as behind ,"name": */
MUST bool flat_number(struct flat *f, struct flat_member *out);

/* Without its escapes; `to` has room for all of `text`. How long it is. */
size_t flat_plain(char *to, struct span text);
