/* SPDX-License-Identifier: Apache-2.0
 *
 * message - what is known of one session of the mail server and of the message in it.
 */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "base/id.h"
#include "rule/facts.h"
#include "rule/source.h"
#include "smtp/header.h"

struct recipients {
    struct buf list; /* of each: mailbox NUL ORCPT NUL */
    unsigned count;
    unsigned left_out; /* that are too many to be remembered */
};

struct message {
    char sender[1024]; /* without brackets */
    char env_id[512];
    struct recipients rcpts;
    unsigned number;      /* of the session's messages, from 1 */
    struct header header; /* its wanted fields */
    size_t aside;         /* room set aside in the spool */
    bool no_room;         /* there was none for one of its recipients */
};

struct session {
    struct id id;
    struct addr client, server; /* as the mail server sees them */
    char helo[256];
    char host[256]; /* the mail server's name for itself */
    bool secure;
    struct tls_facts tls;
    char cert_name[256]; /* of the client's certificate; "" if it is not known */
    bool by_proxy;       /* sallyport-in has judged the same mail, with all names before it */
    char user[256], mechanism[64];
    char rule_name[64];       /* the listener's own source section; "" for none */
    struct source rule;       /* its texts are the settings' */
    struct reported reported; /* what was not refused because it is reported only */
    struct message message;
    unsigned refused;
};

void session_init(struct session *s);

/* Where it was reached, as the mail server's macros say. */
void session_reached(struct session *s, const char *at, const char *port);
void session_clear(struct session *s);

/* The arguments of MAIL and RCPT as libmilter has them: the path, then parameters, NULL behind
 * the last. A recipient beyond what is remembered is counted. */
void message_begin(struct message *m, char **arguments);
void message_add(struct message *m, char **arguments);

/* What is wanted of the message that was begun; it must live as long. */
struct wanted;
void message_want(struct message *m, const struct wanted *w);

/* It was taken, refused or given up. */
void message_end(struct message *m);

/* Lines of `received` records under the mail server's `queue_id`, one for each recipient, as
 * many as there is room for (RECORD_MAX each). `*at` goes from 0 on; false when none is left. */
struct recipient_at {
    size_t offset;
    unsigned number;
};
MUST bool message_write(const struct session *s, const char *queue_id, struct recipient_at *at,
                        struct buf *to);
