/* SPDX-License-Identifier: Apache-2.0
 *
 * outcome - what came of a call to a socket or to OpenSSL, as conn_got. For the files of conn.h
 * alone.
 */
#pragma once

#include "net/conn.h"

struct ssl_st;

/* As recv(). */
ssize_t outcome_recv(struct conn *c, void *to, size_t size);

/* Of recv() and sendmsg(), which want `needs` where they cannot yet; `*len` is what they moved. */
enum conn_got outcome_plain(struct conn *c, ssize_t n, size_t *len, unsigned needs);

/* Of a call of OpenSSL's on outcome_asked(), whose errors are a queue that must be empty before. */
struct ssl_st *outcome_asked(struct conn *c);
enum conn_got outcome_secret(struct conn *c, int result);

static inline enum conn_got outcome_failed(struct conn *c, const char *why)
{
    c->broken = true;
    c->why = why;
    return CONN_FAILED;
}

static inline enum conn_got outcome_later(struct conn *c, unsigned needs)
{
    c->needs = needs;
    return CONN_LATER;
}
