/* SPDX-License-Identifier: Apache-2.0
 *
 * shown - what a server's handshake shows of all that may be demanded of it: facts for judge().
 *
 * smtp-tls-verify goes by the CAs of smtp-tls-ca-file, or the system's without one, and
 * smtp-tls-name or the server's own; a fingerprint is all by itself. MTA-STS goes by the server's
 * own name always, and by the system's CAs; those of smtp-tls-ca-file will do, too, since the
 * administrator trusts them for this domain.
 */
#pragma once

#include "remote/attempt.h"

/* What goes out as SNI; NULL: nothing. With DANE that is the name where the records are
 * (RFC 7672, 8.1). */
const char *shown_sni(const struct attempt_conf *conf);

/* Of the handshake that came about. What nobody demands is not looked at. */
struct tls_shown shown_by(const struct attempt_conf *conf, const struct conn *conn,
                          const struct tls_facts *facts);
