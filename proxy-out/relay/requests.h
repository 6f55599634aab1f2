/* SPDX-License-Identifier: Apache-2.0
 *
 * requests - what the client asks of relay, and what is answered at once. Pure; relay's own.
 */
#pragma once

#include "proxy-out/relay/relay.h"

/* Takes what the client has said, as far as it is its turn. */
void requests_take(struct relay *r);
