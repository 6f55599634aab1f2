/* SPDX-License-Identifier: Apache-2.0
 *
 * secure - the client's handshake: what it is asked for, and what it has shown.
 */
#pragma once

#include "session.h"

/* The step of PHASE_SHAKE. */
enum phase secure_client(struct session *s);
