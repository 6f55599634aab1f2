/* SPDX-License-Identifier: Apache-2.0
 *
 * map - which transport a recipient has: our side of Postfix's socketmap, for hand-over =
 * transport-map. Pure; mapper.[ch] has the sockets.
 *
 * Each domain gets one of many loopback addresses, all of which are ours, since the listener is
 * bound to the loopback device. So Postfix groups, limits and caches by domain as ever.
 */
#pragma once

#include "base/option.h"
#include "proxy-out/netstring.h"

enum { MAP_ANSWER_MAX = 64 };

/* `question` is "NAME KEY", the key a recipient ("user@domain"). The answer comes back in `to`:
 * "OK smtp:[127.11.12.13]:PORT", "NOTFOUND " for what has no domain or one of `local`, or
 * "PERM ..." if it is no question. NOTFOUND means that Postfix delivers by itself, past all rules:
 * so a domain that is no name has an address too, and is refused there. */
void map_answer(struct span question, const struct texts *local, uint16_t port,
                char to[MAP_ANSWER_MAX]);
