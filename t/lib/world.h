/* SPDX-License-Identifier: Apache-2.0
 *
 * world - a mail server that hands over and the servers far away, each with a will of its own, and
 * dice. For t/unit/out-property.c.
 *
 * The mail server is honest, and cuts what it says at any byte. A server is honest until an
 * accident befalls it: then it refuses, lies, says what is no SMTP, says it twice or too early,
 * closes, or falls silent. Both write down what they saw, recipient by recipient, and know nothing
 * of the code between them.
 */
#pragma once

#include <stdint.h>
#include <stdlib.h>

#include "proxy-out/relay/relay.h"
#include "t/lib/whole.h"

enum { WORLD_DOMAINS = 12, WORLD_RCPTS = 16, WORLD_MESSAGES = 3 };

/* As assert(), and says which case it was. */
#define promise(w, holds) world_promise((w), (holds), __FILE__, __LINE__, #holds)

/* What is known of one recipient of one message, by whom it concerns. */
struct fate {
    unsigned domain;
    int rcpt, final; /* the mail server: codes that it heard; 0: none */
    bool ours;       /* that was said before anybody was asked: no row is due */
    unsigned intents, rows;
    char type;      /* of its row */
    unsigned dots;  /* servers: so many have all of the message for it, */
    unsigned taken; /* and said that they take it */
    bool yes;       /* a 2xx was said to its RCPT, */
    bool refused;   /* or a 5xx */
    int due;        /* the class of what was said to the dot by one that was in order throughout */
};

struct message {
    unsigned rcpts, asked;
    uint32_t sum;
    bool reset;                  /* RSET in place of DATA */
    bool refused[WORLD_DOMAINS]; /* a 5xx was said of all there */
    bool odd[WORLD_DOMAINS];     /* or who knows what: see struct server */
    struct fate rcpt[WORLD_RCPTS];
};

/* A connection to one far away. */
struct server {
    struct dial dial; /* our end of it */
    struct remote remote;
    unsigned domain;
    bool pipelining;
    struct buf heard, says;
    bool odd;    /* it said what no server should: who knows what answers what? */
    bool closes; /* when all is said */
    bool bye;    /* 421 */
    bool silent; /* from now on */
    struct message *message;
    struct fate *rcpt[WORLD_RCPTS];
    bool no[WORLD_RCPTS];
    unsigned rcpts;
    enum { IN_COMMANDS, IN_LINE, AT_LINE, AFTER_DOT, AFTER_DOT_CR } in;
    uint32_t sum;
    int early; /* said in the middle of the message; 0: nothing */
    int due;   /* when `says` is said */
};

struct expect {
    enum { HEARS_ANY, HEARS_MAIL, HEARS_RCPT, HEARS_DATA, HEARS_FINAL, HEARS_QUIT } what;
    unsigned message, rcpt;
};

struct mta {
    struct buf says, heard;
    bool pipelining, gone, finished;
    enum {
        SAYS_HELLO,
        SAYS_MAIL,
        SAYS_RCPT,
        SAYS_DATA,
        SAYS_RSET,
        SAYS_BODY,
        SAYS_QUIT,
        SAYS_NOTHING
    } next;
    unsigned at; /* message */
    struct expect expects[WORLD_MESSAGES * 2 * (WORLD_RCPTS + 4)];
    unsigned first, last;
};

struct world {
    uint64_t seed, x;
    unsigned temper; /* accidents in a thousand chances */
    bool lmtp;
    unsigned domains, messages;
    struct message message[WORLD_MESSAGES];
    struct mta mta;
    struct relay relay;
    struct whole rows;
    enum relay_wish wish;
    bool disk_full, any_full;
    struct server *of[RELAY_LANES];     /* a lane's */
    unsigned left[RELAY_LANES];         /* its candidates that are not tried yet, */
    unsigned sought[RELAY_LANES];       /* in this transaction */
    struct server *kept[WORLD_DOMAINS]; /* connections */
};

void world_promise(const struct world *w, bool holds, const char *file, int line, const char *what);
unsigned roll(struct world *w, unsigned sides);
bool accident(struct world *w);
uint32_t world_sum(uint32_t sum, const char *at, size_t len);

/* What the case with this seed is about; who is who. */
void world_cast(struct world *w, uint64_t seed);

/* The decimal number at the front of a text. */
static inline int world_number(const char *text)
{
    return (int)strtol(text, NULL, 10);
}

/* The recipient of an address, "r<message>-<recipient>@d<domain>.test". */
struct fate *world_fate(struct world *w, struct span address, struct message **message);

/* The mail server says the next thing that it has to say, if it may; some of it goes to the
 * relay; some of the relay's goes to it. How many bytes. */
size_t mta_says(struct world *w, size_t most);
size_t mta_hears(struct world *w, size_t most);

struct server *server_new(struct world *w, unsigned domain);
void server_free(struct server **s);
/* Bytes from us; and what it says goes into its dial. */
void server_hears(struct world *w, struct server *s, struct span bytes);
size_t server_says(struct world *w, struct server *s, size_t most);
