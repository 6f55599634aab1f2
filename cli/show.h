/* SPDX-License-Identifier: Apache-2.0
 *
 * show - what `sallyport show` prints of all nouns. A new one is a row in show.c.
 */
#pragma once

#include "base/option.h"

struct settings;
struct domain;

/* "domain TITLE, FILE:LINE", and the macro that led there. Cut to fit. */
enum { SHOW_SECTION = 1024 };
void show_section(const struct settings *s, const struct domain *d, char to[SHOW_SECTION]);

/* One value as it would stand in the file, without passwords. */
void show_value(const struct option *o, const void *of);

/* "NAME = VALUE    # KIND TITLE, FILE:LINE", from the section `from`, whose struct begins with its
 * head; NULL: it has its default. */
void show_row(const char *kind, const struct option *options, size_t row, const void *rule,
              const struct option_head *from);

/* Each of them: exit status; `words` of them behind the noun. */
int show_source(const struct settings *s, int words, char **word);
int show_domain(const struct settings *s, int words, char **word);
