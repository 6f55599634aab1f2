/* SPDX-License-Identifier: Apache-2.0
 *
 * lanes - the upstreams of t/unit/out-dialog.c: what its file does and finds with each.
 */
#pragma once

#include "proxy-out/relay/relay.h"
#include "t/lib/whole.h"

/* One lane's upstream. */
struct far {
    struct dial dial;
    struct remote remote;
    bool dialled, slow;
    size_t takes;  /* if it is slow: so many bytes yet */
    struct buf to; /* on the wire and not heard yet */
};

struct stage {
    struct relay relay;
    struct relay_conf conf;
    struct far far[RELAY_LANES];
    unsigned at; /* whom the line is about */
    enum relay_wish wish;
    bool begun, disk_full;
    size_t reserved;      /* of the disk */
    struct buf to_client; /* on the wire and not heard yet */
    struct buf spooled;
    struct record record; /* the one looked at */
    struct whole rows;    /* that it was read from */
};

/* What a lane has for the wire goes there; how much it was. */
size_t lanes_write(struct stage *st, unsigned lane);

/* The words of a dialogue, about the lane `at`. False: it is not so. */
bool lanes_seeks(struct stage *st, char *arg);
bool lanes_again(struct stage *st, char *arg);
bool lanes_server(struct stage *st, char *arg);
bool lanes_none(struct stage *st, char *arg);
bool lanes_left(struct stage *st, char *arg);
bool lanes_lost(struct stage *st, char *arg);
bool lanes_takes(struct stage *st, char *arg);
