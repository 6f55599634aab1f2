/* SPDX-License-Identifier: Apache-2.0
 *
 * take - how a request of the client is taken: answered by us, or put to the backend.
 */
#pragma once

#include "relay.h"

/* TAKEN: on to the next request. NOT_YET: keep it and try again in the next turn; `wish` may
 * say what is missing. */
enum taken { TAKEN, NOT_YET };

/* Is the backend there to be asked? If it is not, it is called. */
MUST bool take_backend(struct relay *r);

/* May it be asked now? Without PIPELINING one thing at a time. */
bool take_listens(const struct relay *r);

/* The extensions that this client may use: bits of ehlo.def. */
unsigned take_extensions(const struct relay *r);

/* `text` is a whole reply; of BDAT, to which we never say but no, the octets go nowhere then. */
MUST enum taken take_answer(struct relay *r, const struct request *q, struct span text);

/* The same by our own rules: the backend, which would lose patience, does not hear of it, so here
 * it counts as talk that brings no message nearer. RCPT does not, for a message may have many. */
MUST enum taken take_refuse(struct relay *r, const struct request *q, struct span text);

/* Puts the request to the backend as it is. `used`: the extensions that it makes use of, bits of
 * ehlo.def; without it, those of its verb. One that was shown and is gone ends the session. */
MUST enum taken take_pass(struct relay *r, const struct request *q);
MUST enum taken take_pass_with(struct relay *r, const struct request *q, unsigned used);
