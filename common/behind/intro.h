/* SPDX-License-Identifier: Apache-2.0
 *
 * intro - how a client is introduced to the mail server: a PROXY header before the
 * greeting, or EHLO and XCLIENT behind it, and then EHLO.
 *
 * There is no falling back. A mail server that does not take the identity would take
 * everybody for this machine, and relay for everybody. Where it is to be called over TLS,
 * nothing but the PROXY header, EHLO and STARTTLS is said in the clear.
 */
#pragma once

#include "conf/settings.h"
#include "smtp/dial.h"

/* Who is introduced. All borrowed. */
struct guest {
    enum identity identity;
    struct addr client, listener;
    const char *helo;
    bool extended;               /* said EHLO, not HELO */
    const struct tls_facts *tls; /* NULL: in the clear */
    const char *session;
    struct span tlvs;         /* of a load balancer's header */
    enum backend_tls use_tls; /* with the mail server */
    bool ourselves;           /* nobody is introduced: we call for ourselves, from `client`
                                 to `listener` */
};

enum intro {
    INTRO_SHAKING, /* TLS must begin: then intro_secured() */
    INTRO_GREETING,
    INTRO_OFFER, /* EHLO in the clear, for STARTTLS alone */
    INTRO_STARTTLS,
    INTRO_PROBING,
    INTRO_XCLIENT,
    INTRO_EHLO,
};

enum intro_verdict {
    INTRO_GOES_ON,
    INTRO_DONE,        /* `said` is the reply to EHLO */
    INTRO_TURNED_AWAY, /* the greeting was 4xx or 5xx: an answer for the client */
    INTRO_NO_TLS,      /* TLS is wanted and not to be had: nothing may be said any more */
    INTRO_REFUSED,     /* the identity was not taken: likewise */
};

/* The connection has come about: what goes before SMTP. False: it does not fit. */
MUST bool intro_begin(enum intro *i, struct dial *d, const struct guest *who);

/* Hands are shaken, and the certificate is as it should be. False: something was said before TLS
 * that had no place there. */
MUST bool intro_secured(enum intro *i, struct dial *d, const struct guest *who);

/* A reply came: asks the next question. */
MUST enum intro_verdict intro_heard(enum intro *i, struct dial *d, const struct guest *who,
                                    const struct heard *said);

/* Writes the XCLIENT line with what `offered` ("NAME ADDR PORT", the argument in the reply to
 * EHLO) lists, in 512 bytes at most; ADDR goes last. A name that does not fit is left to the EHLO
 * that follows. LOGIN is never said: who logged in is for the mail server to know, and what a
 * certificate proves is no login. False: ADDR is not among it, or it does not fit. */
MUST bool intro_xclient(struct buf *to, struct span offered, const struct guest *who);

/* What to do where the identity is not taken. */
const char *intro_remedy(enum identity identity);
