/* SPDX-License-Identifier: Apache-2.0
 *
 * policy - what a client may do, by its source rule. Pure.
 *
 * The second line: a milter does not see AUTH itself, only at MAIL that it took place. The
 * proxy, or the mail server's own setting, keeps secrets off the wire.
 */
#pragma once

#include "rule/source.h"

/* What is known of the client when it says MAIL. */
struct client {
    bool secure;           /* inside TLS */
    struct span user;      /* who it has logged in as; "" if it has not */
    struct span mechanism; /* by which */
};

/* An answer with its code and enhanced code. */
struct refusal {
    unsigned code;            /* 530 */
    unsigned subject, detail; /* of 5.subject.detail */
    const char *text;         /* without % */
};

/* NULL: MAIL may pass. What is against it but only reported is noted. */
const struct refusal *policy_at_mail(const struct source *rule, const struct client *c,
                                     struct reported *noted);

/* No room to account for more: 452 4.3.1. */
extern const struct refusal policy_no_room;

/* Both codes from the one number, so that their classes agree: where they do not, Postfix takes
 * the milter for broken and may let the mail pass. */
void refusal_codes(const struct refusal *r, char code[4], char enhanced[12]);
