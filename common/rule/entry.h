/* SPDX-License-Identifier: Apache-2.0
 *
 * entry - what the titles of sections mean as patterns. For pattern.c.
 *
 * A title with macros in it is as many entries as it stands for. Names in other alphabets become
 * A-labels here, so that a pattern may be written either way.
 */
#pragma once

#include "base/option.h"
#include "base/span.h"
#include "rule/macro.h"

/* In the order of merging: what is later is more specific, at the same name. */
enum shape { SHAPE_ALL, SHAPE_BOTH, SHAPE_BELOW, SHAPE_EXACT, SHAPE_LITERAL };

enum { ENTRY_NAME = 255 }; /* RFC 1035, 2.3.4 */

struct entry {
    const struct option_head *section;
    uint32_t number; /* of the section */
    enum shape shape;
    bool expanded;    /* by a macro: the same, written out, comes behind it */
    struct span name; /* without "*."; the title's, or of `entries` */
    size_t labels;    /* of the name */
    struct network network;
};

struct entry_list {
    struct entry *at; /* general before specific; of one name they stand together */
    size_t count, room;
    char **texts; /* names that are in no title */
    size_t text_count, text_room;
};

/* Reads the titles of `count` structs of `size_of` bytes, one behind the other; `kind` is for
 * `why`. False with one line there: a title that is no pattern, or two that are the same. */
MUST bool entry_list_read(struct entry_list *e, const char *kind, const void *sections,
                          size_t count, size_t size_of, const struct macros *macros, char *why,
                          size_t size);

/* The array itself is not needed once all is merged. */
void entry_list_drop(struct entry_list *e);
void entry_list_clear(struct entry_list *e);

/* Does it mean this name (A-labels), or this address in place of one (NULL: a name)? */
bool entry_means(const struct entry *e, struct span name, const struct addr *literal);

/* "[192.0.2.0/24]" and, as in RFC 5321, 4.1.3, "[IPv6:2001:db8::/32]". */
MUST bool entry_is_literal(struct span text, struct span *inside);
