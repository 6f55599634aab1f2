/* SPDX-License-Identifier: Apache-2.0
 *
 * stage - proxy-in's relay without a socket: what the conversations in-*.dlg are played on.
 *
 * What a conversation can do besides speaking are two lists: scene.c has what is so before the
 * client is greeted, steps.c what happens then or is found to be so. A new one is a row there.
 */
#pragma once

#include "proxy-in/relay.h"

struct stage {
    struct relay relay;
    struct relay_house house;
    struct relay_memory memory;
    struct source rules[2]; /* source 0/0, and {auth} where there is one */
    const char *reports[REPORT_COUNT];
    bool has_auth;
    struct sources *sources;
    enum relay_wish wish;
    bool begun, greeted, born_secured, disk_full, barred;
    unsigned tries;                                 /* to log in, that count as failures */
    struct buf spoken_to_client, spoken_to_backend; /* what is on the wire and not heard yet */
    char recorded[1024];
};

/* `!name arg`: false, and a word to stderr, if it cannot be or is not so. */
struct step {
    const char *name;
    bool (*act)(struct stage *st, const char *arg);
};
extern const struct step stage_scene[], stage_steps[]; /* to a row without a name */

/* Who the client is, and what TLS says of it. */
const struct facts_kept *stage_facts(void);

void stage_init(struct stage *st);
void stage_clear(struct stage *st);

/* Turns until nothing moves; does what a disk would, but leaves the network to the script. */
void stage_turn(struct stage *st);

/* "name=value" of a source section. False: there is no such option, or it may not be that. */
MUST bool stage_rule(struct source *of, const char *arg);

/* `!` and this line. */
MUST bool stage_direct(struct stage *st, char *line);

/* The client ('c') or the mail server says this. False: it does not fit. */
MUST bool stage_say(struct stage *st, char side, struct span text);

/* Is `want` what was spoken next? It is taken off. */
MUST bool stage_hears(struct buf *from, struct span want);

/* Was nobody told anything more? */
MUST bool stage_is_quiet(struct stage *st);
