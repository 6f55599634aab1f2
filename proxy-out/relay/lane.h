/* SPDX-License-Identifier: Apache-2.0
 *
 * lane - one upstream's part in a transaction: its recipients, the message, its answers. Pure.
 *
 * For relay.c. A lane wishes for an upstream (LANE_SEEKS) and the owner finds one; it lets go
 * of an upstream (`left`) and the owner takes it away. It asks for the next server itself
 * where that is allowed: on a 4xx to MAIL, or on a 4xx to RCPT while no recipient is accepted. On a
 * 4xx to MAIL over a connection that was used before it asks for the same server first (`again`).
 */
#pragma once

#include "smtp/idna.h"
#include "proxy-out/relay/records.h"
#include "smtp/dial.h"

enum lane_is {
    LANE_REST,   /* nothing is wanted of it */
    LANE_SEEKS,  /* wants a server: the first, or the next */
    LANE_OPEN,   /* hands the envelope over */
    LANE_DATA,   /* asked DATA */
    LANE_BODY,   /* hands the message over */
    LANE_ENDING, /* and asks for the answer to it */
    LANE_OVER,   /* nothing more goes there in this transaction: `said` is the answer */
};

/* In what state an upstream is left: between transactions, in one (RSET before the next), with a
 * DATA unanswered that nobody wants any more, tired of us (QUIT once it has answered), or not to be
 * used again. */
enum lane_left { LEFT_NOT, LEFT_CLEAN, LEFT_OPEN, LEFT_IN_DATA, LEFT_TIRED, LEFT_SPENT };

struct lane {
    enum lane_is is;
    enum lane_left left;
    char domain[IDNA_NAME];      /* "" : not in this transaction */
    struct dial *dial;           /* borrowed, from lane_opened() to the owner's taking it away */
    const struct remote *remote; /* likewise, */
    struct buf *about;           /* and where records keep what they say of it; NULL: nowhere */
    struct ehlo ehlo;
    bool more;  /* there is another server to try */
    bool kept;  /* the connection was used before, */
    bool again; /* and was dead or tired: seek the same server once more, on a new one */
    bool mail_asked, mail_ok;
    bool data_asked; /* behind the recipients, as the client did, before their answers were in */
    unsigned asked, accepted; /* recipients */
    size_t went;              /* of serve_body(), what this upstream has */
    unsigned awaited, told;   /* entries that recall.h told: of what is awaited, of the outcome */
    char *said;               /* ours; the last word that counts */
    enum lane_row {
        ROW_NONE,  /* nothing keeps the answer to the message back */
        ROW_FRESH, /* it is in `lines`, */
        ROW_WAITS, /* and the owner waits for the disk */
        ROW_LOST,  /* it did not get there: 451, whatever the server said */
    } row;
    enum fail said_fail;    /* FAIL_NOT: it was the remote server's word */
    struct remote *said_by; /* ours */
};

struct relay;

/* The owner's answers to LANE_SEEKS; `more`: after this one there would be another; `kept`: the
 * connection was used before. */
void lane_opened(struct relay *r, struct lane *l, struct dial *dial, const struct ehlo *ehlo,
                 const struct remote *remote, bool more, bool kept);
void lane_failed(struct relay *r, struct lane *l, enum fail fail, const struct remote *remote);

/* The owner took away what was `left`. */
void lane_taken(struct lane *l);

/* With relay_conf's `holds`: the row is on the disk, or is not and will not be. */
void lane_kept(struct relay *r, struct lane *l, bool kept);
bool lane_is_held(const struct lane *l);

/* The upstream broke, or fell silent. */
void lane_lost(struct relay *r, struct lane *l, enum fail fail);

/* Our tickets with an upstream. The greeting's was 0. */
enum { TICKET_MAIL = 1, TICKET_DATA, TICKET_END, TICKET_RCPT };

/* Between lane.c, which hears, and lane_ask.c. Is it this lane's recipient? */
bool lane_has(const struct relay *r, const struct lane *l, size_t recipient);

/* The same word for all that were accepted: what became of the message. */
void lane_record(struct relay *r, struct lane *l, enum record_do what, struct span text,
                 enum fail fail);

/* Has all that is there to be sent gone? */
bool lane_is_sent(const struct relay *r, const struct lane *l);

/* The rest is relay's. Takes in what the upstream said; asks what may be asked. */
void lane_hear(struct relay *r, struct lane *l);
void lane_ask(struct relay *r, struct lane *l);
void lane_data(struct relay *r, struct lane *l);
void lane_end(struct relay *r, struct lane *l);

/* A recipient that comes when the lane is over already. */
void lane_refuse(struct relay *r, struct lane *l, size_t recipient);

/* The transaction is over; an upstream that is held is left. */
void lane_reset(struct lane *l);
