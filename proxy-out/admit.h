/* SPDX-License-Identifier: Apache-2.0
 *
 * admit - a session's beginning: may this client hand over, where to, and with which greeting.
 */
#pragma once

#include "proxy-out/session.h"

/* PHASE_HEAD: a PROXY header is to come first. */
MUST enum phase admit_start(struct session *s, const struct relay_listener *listener);

/* Reads on in it. */
MUST enum phase admit_hear(struct session *s);

/* It did not come in time; the session is to be ended. */
void admit_late(struct session *s);
