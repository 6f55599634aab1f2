/* SPDX-License-Identifier: Apache-2.0
 *
 * macro - names for lists of words, which patterns of domains may use: domain-macro.
 *
 *   domain-macro tld com, de, co.uk
 *   domain-macro mail yahoo.$tld, ymail.com
 *   domain $mail { ... }         means yahoo.com, yahoo.de, yahoo.co.uk and ymail.com
 *
 * Names are letters, digits and '_', without regard to case. Macros nest, but not in circles.
 */
#pragma once

#include "base/option.h"
#include "base/span.h"

/* How deep they may nest, what one text may stand for, and how long that may be. */
enum { MACRO_DEPTH = 16, MACRO_MOST = 200000, MACRO_TEXT = 512 };

#define MACRO_OPTIONS(O, S) O(S, LIST, words, "", ANY, "What it stands for.")

struct macro {
    OPTION_HEAD /* the title is its name */
    MACRO_OPTIONS(OPTION_FIELD, macro)
};
extern const struct option macro_options[];

struct macros;

/* NULL with one line in `why`: a name that is none or is there twice, a word that is empty or names
 * what is not there, a circle. The sections stay the caller's and must live as long. */
struct macros *macros_new(const struct macro *sections, size_t count, char *why, size_t size);
void macros_free(struct macros **m);

/* Has it a '$'? */
bool macro_is_in(struct span text);

/* Shows each text that `text` stands for, itself if there is no '$' in it. False: `fn` said so, or
 * it stands for nothing, with what and why ("there is no domain-macro x; ...") in `why`. `m` may
 * be NULL: there are none. */
typedef bool macro_fn(void *arg, struct span text);
MUST bool macros_expand(const struct macros *m, struct span text, macro_fn *fn, void *arg,
                        char *why, size_t size);

/* The section of the first macro that `text` names; NULL: of none. */
const struct macro *macros_first(const struct macros *m, struct span text);
