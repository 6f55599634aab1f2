/* SPDX-License-Identifier: Apache-2.0
 *
 * station - a backend as this process knows it: its servers, how they are, and which of them a
 * session goes to.
 *
 * A session that fails makes its server no worse than doubtful: whoever is turned away for who
 * he is must not take a server from all others. Our own call judges (visit.h): dead ones rest,
 * and serve again only after one that went well. Where none is alive, sessions try them all the
 * same. Nothing here has a socket or a clock.
 */
#pragma once

#include "relay.h"

enum health { HEALTH_ALIVE, HEALTH_DOUBTFUL, HEALTH_DEAD };

enum { STATION_REST_MOST = 300, STATION_STANDS = 10 }; /* seconds */

struct station_server {
    const struct backend_server *at; /* borrowed */
    struct relay_memory memory;      /* what it said last to EHLO, */
    bool told;                       /* and that to a client, not to our own call */
    struct addr source;              /* where to call it from */
    bool has_source;                 /* that is known */
    bool safe;                       /* it takes the identity, or the probe has shown that it
                                        does not relay */
    enum health health;
    unsigned failures;      /* our own calls in vain, in a row */
    unsigned long sessions; /* connections of this process */
    double seen;            /* when it last spoke with us as it should; 0: never */
    double again;           /* when a dead one is to be called */
};

struct station {
    const struct backend *backend; /* borrowed */
    struct station_server *servers;
    size_t count;
    size_t turn;               /* who comes first among equals */
    struct relay_memory offer; /* what all offer of which anything is known */
    double stands_until;       /* the offer's, clock_mono() */
    unsigned changes;          /* of what a server told its clients, of all of them */
};

/* False: no memory. */
MUST bool station_init(struct station *at, const struct backend *backend);
void station_clear(struct station *at);

/* The server for a session that has been at those of `tried` (bits); `count`: there is no other. */
size_t station_choose(const struct station *at, uint64_t tried);

/* A session goes to a server, and leaves it. */
void station_enter(struct station *at, struct station_server *server);
void station_leave(struct station_server *server);

/* Its reply to EHLO, to a client whom we introduced: for STATION_STANDS the next ones would hear
 * the same. Not so once it told clients now this and now that, for as long as this process lives.
 * True: that is news. Times are clock_mono() here and below. */
bool station_heard(struct station *at, struct station_server *server, struct span reply,
                   double now);

/* Every second or so: what was heard does not stand for ever. */
void station_age(struct station *at, double now);

/* A session has lost it, or could not come to it. */
void station_doubt(struct station *at, struct station_server *server);

/* What our own call found: `reply` is that to EHLO, empty if the call was in vain. True: this is
 * news. */
bool station_judge(struct station *at, struct station_server *server, struct span reply,
                   double now);

/* Is it time to call it ourselves? */
bool station_is_due(const struct station *at, const struct station_server *server, double now);

/* Is there a server that may be used? */
bool station_is_safe(const struct station *at);
