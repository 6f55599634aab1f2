/* SPDX-License-Identifier: Apache-2.0
 *
 * relay - the rules between one client and the mail server behind us.
 *
 * Takes the client's requests from `serve`, decides on each by the source rule, answers
 * what is ours to answer, and puts the rest to the mail server by `dial`. Pure, but that it asks
 * house->reserve for room: the owner moves the bytes of both, and does what relay_turn() wishes,
 * then calls it again.
 *
 * The mail server is called late: for EHLO after TLS (or where there is no STARTTLS to
 * come), or for the first command that needs it. The EHLO before a possible STARTTLS, and with
 * connect-at = mail that of whoever cannot log in while relay_memory.stands, is answered from what
 * all servers of the backend are known to offer.
 *
 * The MAIL of a client that waits for its answer gets it from us (mail-at = rcpt), and goes to the
 * mail server with the first RCPT, for whom its objection is then (RFC 5321, 3.3).
 *
 * A server that is lost before MAIL is replaced without the client's noticing: by the next of
 * several while it is called, and by any once it has said EHLO. Not so after AUTH.
 */
#pragma once

#include "envelope.h"
#include "behind/intro.h"
#include "reason.h"
#include "rule/facts.h"
#include "rule/source.h"
#include "smtp/ehlo.h"
#include "smtp/header.h"
#include "smtp/serve.h"

/* A reply to EHLO that was heard before. */
struct relay_memory {
    char reply[DIAL_REPLY_MAX];
    size_t len;  /* 0: nothing is known yet */
    bool stands; /* clients heard it lately, and all the same: who asks now would, too */
};

/* What is the same for all sessions of a listener. All borrowed. */
struct relay_house {
    const char *host_name;
    const struct sources *sources; /* NULL: logging in changes no rule */
    const char *source_name;       /* the listener's; "" for none */
    const struct senders *senders; /* NULL: no domain is protected */
    enum identity identity;
    enum backend_tls use_tls;
    enum connect_at connect_at;
    enum mail_at mail_at;
    bool has_tls;               /* there is a certificate to start TLS with */
    bool accounts;              /* received mail is recorded, */
    const struct span *headers; /* with fields of these names */
    size_t header_count;
    unsigned (*reserve)(void *spool);  /* for so many more records room was made; 0: disk full */
    void *spool;                       /* for it; both only with `accounts` */
    const struct relay_memory *memory; /* what the backend offers, whatever server it will be */
};

enum relay_wish {
    RELAY_WAIT,
    RELAY_CONNECT,   /* call the backend, then relay_connected() or relay_lost() */
    RELAY_SECURE,    /* write all that `backend` says, shake hands with it, then
                        relay_backend_secured() or relay_lost() */
    RELAY_LEARN,     /* keep `live` in mind, what this backend offers now */
    RELAY_DROP,      /* write what `backend` still says, close it, then relay_dropped() */
    RELAY_START_TLS, /* write all that `client` says, shake hands, then relay_secured() */
    RELAY_LOGIN,     /* count a try to log in, then relay_may_log_in() */
    RELAY_PARDON,    /* that was no failure: count it no more, then relay_pardoned() */
    RELAY_RECORD,    /* record `final` for the envelope, then relay_recorded() */
    RELAY_TRACE,     /* say what time it is: relay_trace() */
    RELAY_CLOSE,     /* write what both still say, and close: `why` */
};

struct relay {
    struct serve client;
    struct dial backend;
    struct source rule; /* what this client is allowed */
    const struct relay_house *house;
    struct addr who, where; /* the client, and where it reached us */
    const char *session;    /* borrowed */
    struct span tlvs;       /* borrowed; of the header that a load balancer sent */

    enum { STAGE_NONE, STAGE_GONE, STAGE_CALLED, STAGE_INTRO, STAGE_OPEN, STAGE_LEAVING } stage;
    enum intro intro;
    const struct facts_kept *tls; /* borrowed; NULL in the clear */
    char *peer_names;             /* ours; of the client's certificate: conn_names() */

    struct request held;   /* waits for the backend; held_arg is what its argument points to */
    char *held_arg;        /* ours */
    char *helo;            /* ours; what the client called itself */
    char *live;            /* ours; this backend's reply to EHLO */
    struct ehlo offers;    /* the same, read */
    char *name;            /* ours; the backend's, from its greeting */
    char *trace;           /* ours; goes before the next message (add-received-header) */
    char *said;            /* ours; what the backend said last before it ended us */
    char *user;            /* ours; who has logged in, or tries to; authname.h */
    unsigned shown;        /* extensions that the client was shown: bits of ehlo.def */
    unsigned granted;      /* records for which room was made, and is still wanted */
    unsigned room;         /* of them not used yet */
    unsigned spent;        /* records that were written: their room is to be given back */
    unsigned vouched;      /* ticket of a MAIL with our answer and not yet the backend's; or 0 */
    char *objection;       /* ours; the backend's answer to that MAIL, if it was no 2xx: each RCPT's
                              is this one; or NULL */
    struct heard final;    /* with RELAY_RECORD */
    struct header *header; /* ours; fields of the message; NULL: none came, or none is wanted */
    struct envelope envelope;

    enum { LOGIN_NONE, LOGIN_COUNTED, LOGIN_TRIED, LOGIN_PARDONED } login; /* with a rate only */
    struct reported reported; /* what was not refused because it is reported only */

    unsigned mechanism; /* whose first response is to come: authname_find() */
    unsigned messages;  /* that the backend accepted */
    enum relay_wish wish;
    enum reason why; /* REASON_NOT_YET while it goes on */
    bool extended;   /* it said EHLO, not HELO */
    bool utf8;       /* the last MAIL had SMTPUTF8 */
    /* Of this transaction; broken: one was refused, and only RSET helps (RFC 3030, 4.2). */
    enum { CHUNKS_NONE, CHUNKS_COME, CHUNKS_BROKEN } chunks;
    bool authenticated;
    bool spare; /* there is another server; the owner's to say before relay_connected() */
};

/* `rule` is copied, all else borrowed. */
void relay_init(struct relay *r, const struct relay_house *house, const struct source *rule,
                const struct addr *who, const struct addr *where, const char *session);

/* Says our greeting, or 521 where smtp-service is off. `tls`: the facts, where TLS began with
 * the first byte; else NULL. */
void relay_greet(struct relay *r, const struct facts_kept *tls);
void relay_clear(struct relay *r);

/* Moves what can be moved, and says what must be done next. */
MUST enum relay_wish relay_turn(struct relay *r);

void relay_connected(struct relay *r);
void relay_backend_secured(struct relay *r);
void relay_dropped(struct relay *r);
void relay_secured(struct relay *r, const struct facts_kept *tls);

/* For how many records the room that house->reserve made is to be given back: of what is written at
 * once, the rest when no transaction is open any more. */
unsigned relay_give_back(struct relay *r);
void relay_recorded(struct relay *r);

/* False: it has failed too often; that is the end. */
void relay_may_log_in(struct relay *r, bool may);
void relay_pardoned(struct relay *r);

/* At the end: was a try to log in counted that was no failure of the client's? */
bool relay_owes_pardon(const struct relay *r);

/* That much of the message goes to the backend now. */
void relay_body_goes(struct relay *r, struct span body);

/* Seconds since 1970, with RELAY_TRACE. */
void relay_trace(struct relay *r, double now);

/* The backend cannot be reached or is gone: the session moves on if it may, or ends. */
void relay_lost(struct relay *r, enum reason why);

/* Ends it from outside, with a reply ("421 ...\r\n") for the client. */
void relay_end(struct relay *r, enum reason why, struct span reply);

/* Nothing goes on: no transaction, no question without an answer. */
bool relay_is_idle(const struct relay *r);

/* Does the client wait for the backend? */
bool relay_awaits_backend(const struct relay *r);

/* Has the backend all of a message, and not said yet what became of it? */
bool relay_awaits_outcome(const struct relay *r);

/* Has the connection to the backend to become TLS before anything else is heard there? */
bool relay_shakes_backend(const struct relay *r);
