/* SPDX-License-Identifier: Apache-2.0
 *
 * checks - what `sallyport check` looks at, a file each. All of them only look: no message is ever
 * sent, nothing is changed.
 */
#pragma once

#include "cli/finding.h"
#include "conf/settings.h"

struct tls;

/* A server of a backend. */
struct target {
    const struct settings *settings;
    const struct backend *backend;
    const struct backend_server *server;
    struct tls *tls; /* NULL: it is spoken to in the clear */
    struct addr at;  /* zero where it is a unix socket */
    char where[256]; /* "backend NAME SERVER" */
    struct findings *findings;
};

/* programs.c: each program for which the file has work, as PROGRAM -t. False: one of them found a
 * mistake, which it has said. */
MUST bool programs_check(const struct settings *s, const char *file, struct findings *f);

/* keys.c: certificates and keys of listeners. */
void keys_check(const struct settings *s, struct findings *f);

/* keys.c: who may read and write the configuration itself. */
void conf_check(const struct settings *s, const char *file, struct findings *f);

/* rules.c: rules that demand what they do not allow. */
void rules_check(const struct settings *s, struct findings *f);

/* files.c: the limit of open files, of the sallyport-in that runs or, if none does, of us. */
void files_check(const struct settings *s, struct findings *f);

struct probed;

/* server.c: the conversation, and what follows from it. */
void server_check(const struct target *t);

/* auth.c: does the mail server offer AUTH where a rule needs it? */
void auth_check(const struct target *t, const struct probed *found);

/* outside.c: its port from this machine's other addresses. Is it on this machine at all? */
bool outside_is_here(const struct addr *at);
void outside_check(const struct target *t);

/* postfix.c: what postconf says of a Postfix on this machine. */
void postfix_check(const struct target *t);

/* outgoing.c: who may hand over, and does DNS answer, and validate? */
void outgoing_check(const struct settings *s, struct findings *f);

/* handing.c: a Postfix of this machine that hands over to us. */
void handing_check(const struct settings *s, struct findings *f);
