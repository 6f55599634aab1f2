/* SPDX-License-Identifier: Apache-2.0
 *
 * reach - the way to a server behind us, as its backend section wants it: the connection, and TLS.
 */
#pragma once

#include "conf/settings.h"
#include "net/conn.h"
#include "net/tls.h"

/* Begins to connect, as conn_dial(); from `as` if not NULL, as conn_bind_as(). */
MUST enum conn_got reach_dial(struct conn *c, const struct backend *b,
                              const struct backend_server *server, const struct addr *as);

/* What tls_client_new() is to be told. */
struct tls_client_conf reach_tls(const struct backend *b);

/* The handshake, as conn_connect_tls(), and then what the certificate proves. CONN_SOME: that is
 * what tls-verify asks; else `why` of the connection says what is wrong. */
MUST enum conn_got reach_secure(struct conn *c, const struct backend *b, struct tls *how);
