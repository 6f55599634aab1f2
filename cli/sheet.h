/* SPDX-License-Identifier: Apache-2.0
 *
 * sheet - what was found out, said once and written in one of two ways: as lines for people, or as
 * JSON, with the same names and the same words.
 *
 *     server mx.example.test [192.0.2.1]:25
 *       preference      10
 *       certificate
 *         names         mx.example.test
 *
 * Whatever others said is cleaned here: no control character comes out.
 */
#pragma once

#include <stdio.h>
#include <time.h>

#include "base/span.h"

enum { SHEET_DEPTH = 8 };

struct sheet {
    FILE *out; /* borrowed */
    bool json, colour;
    unsigned depth;
    bool some[SHEET_DEPTH], flat[SHEET_DEPTH]; /* of each group that is open */
    bool apart;                                /* for people: a group came before */
    const char *label;                         /* of the first line of a list */
};

/* `colour` is of no account with `json`. */
void sheet_begin(struct sheet *r, FILE *out, bool json, bool colour);
void sheet_end(struct sheet *r);

/* A group of facts with a name; in a list `key` is NULL. `title` is for people, or NULL. */
void sheet_open(struct sheet *r, const char *key, const char *title);
void sheet_close(struct sheet *r);

/* A list of groups, or of texts, with the name of all of them. */
void sheet_list(struct sheet *r, const char *key);
void sheet_list_end(struct sheet *r);

/* One fact; in a list of texts `key` is NULL. */
void sheet_text(struct sheet *r, const char *key, const char *text);
void sheet_printf(struct sheet *r, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void sheet_flag(struct sheet *r, const char *key, bool is);
void sheet_number(struct sheet *r, const char *key, unsigned long number);

/* A text of which it is known whether that is well. */
void sheet_verdict(struct sheet *r, const char *key, bool well, const char *text);

/* "2026-11-22 05:26:08 UTC". `to` comes back. */
enum { SHEET_TIME = 32 };
const char *sheet_time(time_t at, char to[SHEET_TIME]);
