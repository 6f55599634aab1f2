/* SPDX-License-Identifier: Apache-2.0
 *
 * chart - pictures of counts, as SVG inside the page.
 *
 * They fit any width without a script: what lies along x is in percent of the width, heights and
 * letters are in pixels and stay readable on a telephone. Colours and patterns are the style
 * sheet's (page.css), by the class of a look; no two looks differ by colour alone. A picture is
 * one image with a name and a description for those who hear the page; its figures stand in a
 * table beside it, which the caller writes. All text comes through markup.h.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "base/span.h"

enum look { LOOK_VERIFIED, LOOK_TLS, LOOK_CLEAR, LOOK_UNKNOWN, LOOK_OLD, LOOK_COUNT };

#define CHART_PARTS 4

/* One column, the first part at its foot. */
struct chart_column {
    char first[12], last[12]; /* days: "2026-11-22"; the same, or those of a week */
    uint64_t part[CHART_PARTS];
};

struct chart_part {
    enum look look;
    const char *name;
};

struct chart_columns {
    const char *id; /* of the image: unique on the page, letters */
    const char *title, *about;
    const struct chart_part *parts; /* CHART_PARTS of them */
    const struct chart_column *at;
    size_t count;
    bool share; /* each column is 100 %, where anything is */
};

void chart_columns(FILE *out, const struct chart_columns *c);

/* One bar of one or two parts beside each other. */
struct chart_bar {
    const char *name; /* "": none */
    uint64_t part[2];
};

struct chart_bars {
    const char *id, *title, *about;
    enum look look[2];
    const struct chart_bar *at;
    size_t count;
    uint64_t whole; /* what a share is of; 0: no shares are shown */
};

void chart_bars(FILE *out, const struct chart_bars *c);

/* The patterns, once, before the first chart; and one field of a look, for a legend. */
void chart_patterns(FILE *out);
void chart_swatch(FILE *out, enum look look);

/* The head of an image, for these files: with a name and a description. */
void chart_open(FILE *out, const char *kind, unsigned height, const char *id, const char *title,
                const char *about);
const char *chart_class(enum look look);

/* A round step (1, 2 or 5 times a power of ten, 1 at least) so that at most `most` of them reach
 * `top`. */
MUST uint64_t chart_step(uint64_t top, unsigned most);
