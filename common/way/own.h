/* SPDX-License-Identifier: Apache-2.0
 *
 * own - finds out where we are ourselves: the addresses of this machine and of our listeners.
 */
#pragma once

#include "conf/settings.h"
#include "way/route.h"

/* All of `out` is the caller's: own_clear(). What cannot be found out is left out. */
void own_find(struct own *out, const struct settings *s);
void own_clear(struct own *own);

/* How our relay-listeners greet, with our host-name: who is greeted so has come back to us. */
#define OWN_GREETING "220 %s ESMTP sallyport-out\r\n"
