/* SPDX-License-Identifier: Apache-2.0
 *
 * login - how we log in to a server (RFC 4954): by PLAIN where it is offered, else by LOGIN. Pure.
 *
 * Both show the password to whoever can read along: the owner sees to it that nobody can, before
 * it begins. What a server says to a line that holds a password may hold it, too: of that only
 * code and status are fit to be told.
 */
#pragma once

#include "base/span.h"
#include "rule/fail.h"
#include "smtp/dial.h"

/* LOGIN_MAX: bytes of a user's name, and of a password. */
enum { LOGIN_MAX = 1024, LOGIN_LINE = 4096 };

struct login {
    const char *user, *password; /* borrowed, of any bytes; user "": nobody logs in */
    enum { LOGIN_BY_NONE, LOGIN_BY_PLAIN, LOGIN_BY_LOGIN } by;
    unsigned said; /* lines */
};

enum login_step {
    LOGIN_SAY,         /* the line that was made */
    LOGIN_DONE,        /* in, or nobody wants to be */
    LOGIN_NOT_OFFERED, /* not by a way that we know */
    LOGIN_REFUSED,
};

void login_init(struct login *l, const char *user, const char *password);

/* What the server offers, by its reply to EHLO. What an earlier one offered is forgotten. */
void login_offered(struct login *l, struct span ehlo);

/* The first step: code 0. Then the next, by the code of the server's reply. A line has its CRLF
 * and is as secret as the password. */
MUST enum login_step login_next(struct login *l, int code, char line[LOGIN_LINE], size_t *len);

/* The same, and asks the server. False: it is over, `*fail` says how. */
MUST bool login_goes_on(struct login *l, int code, struct dial *d, unsigned ticket,
                        enum fail *fail);
