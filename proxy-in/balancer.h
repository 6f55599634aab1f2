/* SPDX-License-Identifier: Apache-2.0
 *
 * balancer - what a load balancer says before its client does: a PROXY header.
 *
 * From the networks of proxy-protocol-from it must be the first thing that comes. What is behind
 * it stays in the socket: it may be a TLS handshake.
 */
#pragma once

#include "session.h"

/* PHASE_HEAD: reads on; once the header is whole the session's `head` keeps its TLVs. */
enum phase balancer_step(struct session *s);
