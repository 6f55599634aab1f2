/* SPDX-License-Identifier: Apache-2.0
 *
 * shown - what a server has shown of itself in a handshake, as judge() wants to know it.
 */
#pragma once

#include "remote/attempt.h"

/* The name that the certificate is to be for; NULL: there is none. */
const char *shown_sni(const struct attempt_conf *conf);

/* Of the handshake that came about: all that anybody may demand of it. */
struct tls_shown shown_by(const struct attempt_conf *conf, const struct conn *conn,
                          const struct tls_facts *facts);
