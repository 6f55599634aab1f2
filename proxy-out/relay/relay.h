/* SPDX-License-Identifier: Apache-2.0
 *
 * relay - the mail server that hands over, the servers it goes to, and the rules between.
 *
 * Pure: relay_turn() moves what it can. EHLO and MAIL are answered here; the first RCPT names a
 * domain, and a lane then seeks a server; from then on answers are the server's own. Over SMTP a
 * message goes to one domain, so there is one lane, which another domain gets while no recipient
 * of the first is accepted; there is room for more where each recipient has an answer of its own.
 * Lanes are made as their domains come, and go with the transaction, once their upstreams were
 * taken away: who is idle has none.
 *
 * What the owner does after every call: appends `lines` to the spool before anything else
 * leaves (if that fails, both sides are cut), sees to it that the records of lanes whose row is
 * ROW_FRESH come to the disk and says lane_kept(), then tells `notes`, asks what recall.h wants,
 * takes away upstreams that are `left`, finds servers for lanes that seek, then writes to both
 * sides.
 */
#pragma once

#include "proxy-out/relay/lane.h"
#include "way/note.h"
#include "proxy-out/relay/transaction.h"
#include "smtp/received.h"
#include "smtp/serve.h"
#include "way/own.h"

/* With the host's name; also what tells that we have called ourselves. */
#define RELAY_GREETING OWN_GREETING
#define RELAY_GREETING_LMTP "220 %s LMTP sallyport-out\r\n"

enum { RELAY_LANES = 10 };

struct relay_conf {
    const char *host_name;
    struct records_mta mta;     /* its name is filled in here, from EHLO */
    bool lmtp;                  /* several domains, an answer for each recipient (RFC 2033) */
    const char *refused;        /* why no mail is taken here, behind "takes no mail"; NULL: it is */
    const struct span *headers; /* names of the fields that records want; borrowed */
    size_t header_count;
    struct ids ids;         /* which queue ids are believed */
    unsigned long remember; /* duplicate-memory, seconds; 0: off */
    /* May anything be remembered under this queue id? Wrong only where it says yes; NULL: yes. */
    bool (*may_know)(void *hints, struct span queue_id);
    void *hints;
    /* Sets room for records aside: spool_reserve(). */
    bool (*reserve)(void *spool, size_t bytes);
    void *spool;
    bool unrecorded; /* nobody keeps records: none are made */
    bool holds; /* what became of a message is told once its record is on the disk (sync = reply) */
};

struct relay {
    struct serve client;
    struct relay_conf conf;
    char mta_name[256];
    struct xforward from; /* for the next MAIL */
    struct transaction t;
    struct lane *lane[RELAY_LANES]; /* ours */
    unsigned lanes;
    struct received received;
    size_t looked;   /* of serve_body(), what `received` has seen */
    enum verb later; /* a request that waits until recipients are answered, */
    char *later_arg; /* ours; NULL: none does */
    unsigned later_ticket;
    unsigned data_ticket, end_ticket;
    size_t told; /* recipients that have heard what became of the message, or need not */
    enum { RELAY_NO_MESSAGE, RELAY_ASKED_DATA, RELAY_HEARS, RELAY_ENDING } message;
    enum { RECALL_OVER, RECALL_WANTED, RECALL_ASKED } recall; /* see recall.h */
    unsigned mail_ticket;                                     /* that waits for it */
    uint32_t crc;                           /* of the message, where it may be remembered */
    unsigned remembered, forgotten, untold; /* recipients; for the log, */
    unsigned awaited;                       /* likewise */
    struct buf notes;       /* for the facts process: struct note, one behind the other */
    struct buf lines;       /* records to spool */
    size_t reserved, spare; /* room set aside; and what of it is to be given back */
    unsigned delivered, deferred, bounced; /* recipients, as they are written down */
    unsigned long eight_bit; /* 8-bit messages to servers that do not say they take them */
    unsigned long no_dsn;    /* recipients with NOTIFY=SUCCESS at servers without DSN */
    bool broken;             /* a record could not be made: cut both sides */
    bool quit;
};

enum relay_wish {
    RELAY_WAIT,
    RELAY_END, /* write what is left to write to the client, and close */
    RELAY_CUT, /* close at once; nothing more may be said */
};

/* Whom the relay waits for. */
enum relay_awaits {
    AWAITS_COMMAND, /* the client, for a command, or to take its answers */
    AWAITS_MESSAGE, /* the client, for more of a message */
    AWAITS_SERVERS, /* one or more lanes */
    AWAITS_DISK,    /* the owner: lane_kept() */
};

void relay_init(struct relay *r, const struct relay_conf *conf);
void relay_clear(struct relay *r);
MUST enum relay_wish relay_turn(struct relay *r);
enum relay_awaits relay_awaits(const struct relay *r);

/* Whoever asks several things at once hears the answers at once (RFC 2920, 3.2): that to MAIL waits
 * for what a server is about to say to the first recipient. No longer: each of many can take its
 * time; and not while servers are sought, which takes minutes. What stands before a MAIL (the
 * answers to XFORWARD) waits until it is known whether that was sent before: a packet less, and a
 * mail server that wakes up once less. */
bool relay_holds_back(const struct relay *r);

/* Ends it with a 421 of ours, as soon as the client's turn is. */
void relay_say_goodbye(struct relay *r, struct span text);

/* What goes to a lane's upstream now (dial_pieces()), and how much of it went. */
size_t relay_pieces(const struct relay *r, unsigned lane, struct span out[DIAL_PIECES]);
void relay_went(struct relay *r, unsigned lane, size_t count);

/* For lane.c. The recipient's answer: accepted, or refused and written down. `fail` FAIL_NOT:
 * `text` is the remote server's. */
void relay_accept(struct relay *r, size_t recipient, struct span text, const struct remote *by);
void relay_refuse(struct relay *r, size_t recipient, struct span text, enum fail fail,
                  const struct remote *by);
void relay_record(struct relay *r, const struct remote *by, const struct records_event *e);

/* For requests.c. One more lane; NULL: no memory, or there are as many as may be. */
struct lane *relay_add_lane(struct relay *r);
void relay_end_transaction(struct relay *r);
bool relay_has_open(const struct relay *r); /* recipients without an answer */
void relay_look(struct relay *r);           /* for the topmost Received */

/* How the client sees a reply: with `[name address]` behind it, and 421 as 451, since it is not
 * we who close. The whole comes back in `to`. */
struct span relay_show(char to[SERVE_REPLY_MAX], struct span text, const struct remote *by);
