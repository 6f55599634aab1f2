/* SPDX-License-Identifier: Apache-2.0
 *
 * client - one of load's SMTP or LMTP clients, from its connect to the answer to QUIT. Every answer
 * must be the one that is right; a message counts when its 250 has come.
 *
 * The crowd is what all of them share. Who makes it is told when one has nothing to do until
 * client_go_on(), and when one is gone.
 */
#pragma once

#include "base/addr.h"
#include "base/span.h"
#include "message.h"
#include "times.h"

enum client_tls { CLIENT_PLAIN, CLIENT_STARTTLS, CLIENT_IMPLICIT };

/* Where one stops until it is told to go on: nowhere; after EHLO; when its messages are sent; and,
 * too, when those are that only warm up. */
enum client_stop { STOP_NOT, STOP_AFTER_EHLO, STOP_AFTER_MESSAGES, STOP_WHEN_WARM };

struct client;

struct crowd {
    struct addr to;
    unsigned sources; /* how many addresses, from 127.0.0.2 on, they come from; 0: one does */
    enum client_tls tls;
    bool lmtp, pipelining;
    bool resumes; /* offers the newest session of one before */
    enum client_stop stop;
    unsigned long warm, messages; /* of each client */
    const char *recipient;
    bool numbered;     /* instead: r@d1.example, r@d2.example..., another domain for each client */
    const char *login; /* for AUTH PLAIN, in base64; NULL: none */
    struct message message;

    /* Calls nothing of this module. */
    void (*stopped)(struct client *c);
    void (*gone)(bool failed); /* its client is freed already */

    unsigned long begun, failed, resumed, sent; /* `sent`: messages, warming up not counted */
    struct times session_times, message_times;
};

/* They wait at most this long for anything, but while they have stopped: seconds. */
enum { CLIENT_PATIENCE = 60 };

/* Before any other. The crowd must stay. False with one line in `why`. */
struct event_base;
MUST bool client_start(struct crowd *crowd, struct event_base *loop, char *why, size_t size);

/* Begins one, whose time counts from `since` (clock_mono()). `counts` false: only the session that
 * others resume is wanted of it. */
void client_begin(double since, bool counts);

/* One that has stopped. */
void client_go_on(struct client *c);

/* Is there a session to be resumed? */
bool client_has_ticket(void);
