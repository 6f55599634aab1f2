/* SPDX-License-Identifier: Apache-2.0
 *
 * refusal - an answer that refuses, with its two codes: as a line for a client, or in parts for a
 * mail server. Pure.
 */
#pragma once

#include "base/span.h"

struct refusal {
    unsigned code;            /* 530 */
    unsigned subject, detail; /* of 5.subject.detail */
    const char *text;         /* without % */
};

enum { REFUSAL_TEXT = 160 };

/* Both codes from the one number, so that their classes agree: where they do not, Postfix takes
 * a milter for broken and may let the mail pass. */
void refusal_codes(const struct refusal *r, char code[4], char enhanced[12]);

/* The text with `word`, why it is, in brackets behind it; "": there is none. Without %, for that is
 * libmilter's. */
void refusal_text(const struct refusal *r, const char *word, char to[REFUSAL_TEXT]);

/* The whole reply with its line end, in `room`. */
struct span refusal_reply(const struct refusal *r, const char *word, char room[REFUSAL_TEXT]);
