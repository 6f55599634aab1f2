/* SPDX-License-Identifier: Apache-2.0
 *
 * ehlo - what an upstream says it can do.
 */
#pragma once

#include "base/buf.h"

enum ehlo_keyword {
#define KEYWORD(name, word) EHLO_##name,
#include "smtp/ehlo.def"
#undef KEYWORD
    EHLO_STARTTLS, /* from here on: known, but never passed on */
    EHLO_XCLIENT,
    EHLO_XFORWARD,
    EHLO_KEYWORDS,
};

/* What a reply to EHLO offers. */
struct ehlo {
    unsigned has;           /* bit per ehlo_keyword */
    unsigned long size_max; /* SIZE's argument; 0: none said */
};

static inline bool ehlo_has(const struct ehlo *e, enum ehlo_keyword k)
{
    return (e->has >> k & 1) != 0;
}

/* The 250 reply, whole. */
struct ehlo ehlo_read(struct span reply);

/* The argument of one keyword in that reply ("PLAIN LOGIN" of AUTH); empty if not there. */
struct span ehlo_argument(struct span reply, const char *word);

/* The keywords of the reply as "SIZE,AUTH,..." for dlvEsmtpAvailable; cut to fit. */
void ehlo_list(char *to, size_t size, struct span reply);

enum ehlo_auth {
    EHLO_AUTH_NONE,    /* no AUTH shown */
    EHLO_AUTH_GUARDED, /* only mechanisms that do not show the secret: auth_is_guarded() */
    EHLO_AUTH_ALL,
};

/* How the client sees the upstream's reply. */
struct ehlo_view {
    const char *name; /* our name, in place of the upstream's */
    bool starttls;    /* we offer STARTTLS */
    enum ehlo_auth auth;
    unsigned long size_max; /* of a message, where we have a limit; else 0 */
};

/* Makes the reply for the client: only ehlo.def's keywords, `AUTH=` never, and the smaller SIZE
 * of the two. Where the upstream has no SIZE there is none: it could not take the parameter of
 * MAIL that belongs to it (RFC 1870, 4). The whole comes
 * back in `to`; false if it did not fit. */
MUST bool ehlo_copy(struct buf *to, struct span reply, const struct ehlo_view *view);

/* The reply of a server that can do what both can: the keywords of ehlo.def that are in `a` and
 * in `b`, AUTH with the mechanisms of both, the smaller SIZE. False: it did not fit. */
MUST bool ehlo_common(struct buf *to, struct span a, struct span b);

/* CRAM-MD5, DIGEST-MD5, SCRAM-*, GSSAPI, GS2-KRB5 and EXTERNAL: may pass in the clear. */
bool auth_is_guarded(struct span mechanism);
