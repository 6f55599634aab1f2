/* SPDX-License-Identifier: Apache-2.0
 *
 * path - addresses, and the parameters behind them (RFC 5321, 4.1.2; RFC 6531).
 */
#pragma once

#include "base/span.h"

enum { PATH_DOMAIN_MAX = 255 };

struct path {
    struct span mailbox;       /* "user@example.com", quotes and all; empty for <> */
    struct span local, domain; /* its two parts; a domain may be "[192.0.2.1]" */
    struct span params;        /* what follows the path, without the first space */
};

/* Reads the argument of MAIL (`lead` "FROM:") or RCPT ("TO:"). A source route is dropped
 * (RFC 5321, 4.1.1.3). Only a sender may be empty. A mailbox without domain is taken
 * ("Postmaster"), and so is a plain one without angle brackets. All spans point into `arg`.
 * False: it is not one. */
MUST bool path_read(struct span arg, const char *lead, struct path *out);

/* Takes the next NAME or NAME=VALUE off `params`. 1, 0 for none left, -1 for a bad one. */
MUST int param_next(struct span *params, struct span *name, struct span *value);

/* The value of one parameter, the first if it is said twice; false if it is not there (or the
 * list is bad). */
MUST bool param_find(struct span params, const char *name, struct span *value);
