/* SPDX-License-Identifier: Apache-2.0
 *
 * wire - a connection of our own to a server behind us: connecting, TLS, and the bytes of a `dial`
 * out and in.
 *
 * What is said and how long it may take is for the owner to know. It calls wire_step() until
 * that says WIRE_LATER, and again whenever the loop calls it.
 */
#pragma once

#include "conf/settings.h"
#include "net/conn.h"
#include "net/tls.h"
#include "net/watch.h"
#include "smtp/dial.h"

struct wire_plan {
    const struct backend *backend; /* borrowed, as all of these */
    const struct backend_server *server;
    struct tls *tls; /* NULL: in the clear */
};

struct wire {
    struct wire_plan plan;
    struct dial *dial; /* borrowed */
    struct span body;  /* of a message, borrowed: what of it has not gone yet; none at first */
    struct conn conn;
    struct watch watch;
    const char *why; /* after WIRE_LOST, and where wire_dial() failed: a few words */
    bool up;         /* it has come about */
};

enum wire_got {
    WIRE_LATER,
    WIRE_UP,     /* once: what goes before SMTP, such as a PROXY header, may be said */
    WIRE_HEARD,  /* there is more in `dial` */
    WIRE_SECURE, /* hands are shaken, and the certificate is what tls-verify asks */
    WIRE_LOST,   /* the end of it, also where the other side ended in order */
};

/* `fn` is called when there is something to be done. */
void wire_init(struct wire *w, struct event_base *base, const struct wire_plan *plan,
               struct dial *dial, watch_fn *fn, void *arg);

/* From `as` if not NULL, as conn_bind_as(). False: it cannot come about. */
MUST bool wire_dial(struct wire *w, const struct addr *as);

/* `shakes`: TLS must begin before anything is heard, once all that was asked has gone. */
MUST enum wire_got wire_step(struct wire *w, bool shakes);

/* Says QUIT if it goes at once; nobody waits for the answer. */
void wire_leave(struct wire *w);

/* Closes; it may be dialled again. */
void wire_clear(struct wire *w);
