/* SPDX-License-Identifier: Apache-2.0
 *
 * balancer - what a load balancer says before its client does: a PROXY header.
 *
 * From the networks of proxy-protocol-from it must be the first thing that comes. What is behind
 * it stays in the socket: it may be a TLS handshake.
 */
#pragma once

#include "net/conn.h"
#include "net/head.h"

/* Reads on; `head` (HEAD_MAX_IN) keeps what came, and at the end the TLVs, from which `said`
 * borrows. 1: the header is whole. 0: more must come. -1: it is none, and `*why` says what is
 * wrong, or NULL: the balancer is gone. */
MUST int balancer_hear(struct conn *c, struct buf *head, struct head_said *said, const char **why);
