/* SPDX-License-Identifier: Apache-2.0
 *
 * pattern - from a domain to what the sections say of it, merged.
 *
 * Patterns and merging are PowerMTA's: "*", "example.com", "*.example.com" (subdomains only),
 * "[*.]example.com" (both), "[10.0.0.0/8]" (address literals). All that match merge from general
 * to specific, the most specific that sets a directive winning for that directive. The merging is
 * done once: to look a domain up costs its labels, not the number of sections. A name that is
 * written out is more specific than the same by a macro (macro.h); names in other alphabets are
 * the same as their A-labels.
 */
#pragma once

#include "base/option.h"
#include "base/span.h"
#include "rule/macro.h"

/* What kind of section: a struct that begins with OPTION_HEAD. */
struct pattern_kind {
    const char *name; /* as it is in the file */
    const struct option *options;
    size_t size;
    /* What else there is to do when a section went over what is merged. NULL: nothing. */
    void (*over)(void *merged, const void *section);
    /* Does a rule, merged, go together? NULL: always. False with one line in `why`. */
    bool (*agrees)(const void *merged, char *why, size_t size);
};

struct patterns;

/* `sections` (with defaults in what they do not set) stay the caller's and must live as long.
 * `macros` may be NULL. NULL with one line in `why`: file, line, a title that is no pattern or is
 * there twice. */
struct patterns *patterns_new(const struct pattern_kind *kind, const void *sections, size_t count,
                              const struct macros *macros, char *why, size_t size);

/* Is this section right by itself? False with one line in `why`. */
MUST bool patterns_agree(const struct pattern_kind *kind, const void *section,
                         const struct macros *macros, char *why, size_t size);
void patterns_free(struct patterns **p);

/* `name` without regard to case, alphabet and a dot at its end; "[192.0.2.1]" is a literal. The
 * struct's head.title is the most specific pattern that matched; "default" if none. */
const void *patterns_find(const struct patterns *p, struct span name);

/* The sections that match `name`, general before specific, in `out`; at most `most` of them. How
 * many there are. It walks through all of them: for people. */
size_t patterns_trail(const struct pattern_kind *kind, const void *sections, size_t count,
                      const struct macros *macros, struct span name, const void **out, size_t most);

/* All that patterns_find() may come to. */
size_t patterns_count(const struct patterns *p);
const void *patterns_at(const struct patterns *p, size_t at);
