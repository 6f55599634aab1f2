/* SPDX-License-Identifier: Apache-2.0
 *
 * probing - what the mail server is asked before it is trusted, without a socket.
 *
 * It is shown a client, as every session shows one, and asked to take mail of that client for
 * a domain elsewhere, in the forms that old mail servers relay. Nothing is ever sent: the
 * conversation ends at RCPT.
 */
#pragma once

#include "behind/intro.h"

enum verdict {
#define VERDICT(name, what, remedy) VERDICT_##name,
#include "behind/verdict.def"
#undef VERDICT
    VERDICT_COUNT,
};

/* What came of it. */
struct probed {
    enum verdict verdict;
    bool greeted, taken;         /* it said 220; it took the identity */
    bool is_postfix;             /* by its greeting, or by the keyword that it alone has */
    bool has_starttls, has_auth; /* in its reply to EHLO */
    bool takes_anybody;          /* any name at its own domain, also one with % ! or @ in it */
    char name[256];              /* its own, as it says it there; "" if it did not */
    char asked[320];             /* the last recipient; "" if none */
    char said[256];              /* what it said to it, or what went wrong */
};

struct probing {
    struct dial dial;
    struct guest who;
    enum intro intro;
    enum { PROBING_INTRO, PROBING_MAIL, PROBING_RCPT, PROBING_RESET, PROBING_OVER } asks;
    unsigned sender, form; /* that is being tried */
    int anybody;           /* first figure of its answer to a name that nobody has */
    struct probed found;
};

/* `who`, with our own name as its HELO, stays good until probing_clear(). False: what comes
 * before SMTP does not fit. */
MUST bool probing_init(struct probing *p, const struct guest *who);
void probing_clear(struct probing *p);

/* Takes in what `dial` has heard; false: it is over, and `found` is good. */
MUST bool probing_goes_on(struct probing *p);

/* Must TLS begin before anything else is heard or said? Then, when it has: false, something was
 * said before it that had no place there. */
bool probing_shakes(const struct probing *p);
MUST bool probing_secured(struct probing *p);

/* It is over for another reason. */
void probing_end(struct probing *p, enum verdict verdict, const char *why);

/* Both in words. The remedy depends on the identity where that was not taken. */
const char *verdict_what(enum verdict v);
const char *verdict_remedy(enum verdict v, enum identity identity);
