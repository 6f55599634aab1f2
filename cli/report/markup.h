/* SPDX-License-Identifier: Apache-2.0
 *
 * markup - what the report's page is written with: text that cannot break out of its place,
 * numbers that people can read.
 *
 * All that came from a log, a peer or a configuration goes through markup_text() or markup_cut():
 * either is right inside an element, inside an attribute in double quotes, and in SVG. Nothing
 * here fails by itself: what is wrong with the stream is asked of it once, at the end (ferror).
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "base/span.h"

/* `s` without power: & < > " ' as references; control characters and what is no UTF-8 as U+FFFD;
 * characters that hide or turn what stands beside them (U+202E and the like) by their number, as
 * [U+202E]. */
void markup_text(FILE *out, const char *s);

/* The same of several lines: a line feed stays one. */
void markup_lines(FILE *out, const char *s);

/* markup_text() as wide as `most` letters: of a longer one the middle gives way to an ellipsis,
 * since both ends of a domain or a cipher say something. `most` is 3 or more. */
void markup_cut(FILE *out, const char *s, size_t most);

/* True if markup_cut() would leave something away. */
MUST bool markup_is_long(const char *s, size_t most);

/* 1 234 567, with narrow spaces that do not break. */
void markup_number(FILE *out, uint64_t number);

/* The same for the scale of a chart: 1.5 M. */
void markup_short(FILE *out, uint64_t number);

/* "1 message", "2 messages": `noun` takes an s. */
void markup_count(FILE *out, uint64_t number, const char *noun);

/* The part in tenths of a percent, 0 to 1000; only all is 1000 and only nothing is 0, so that
 * nobody reads "100.0 %" where one message went in the clear. `whole` of 0 gives 0. Text has its
 * shares from here, too. */
MUST unsigned markup_tenths(uint64_t part, uint64_t whole);

/* "97.3 %" of those tenths; a dash where there is no whole. */
void markup_share(FILE *out, uint64_t part, uint64_t whole);
