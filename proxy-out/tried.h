/* SPDX-License-Identifier: Apache-2.0
 *
 * tried - what the log, and the accounting, say of a server that was tried.
 */
#pragma once

#include "proxy-out/seek.h"

/* It could not be used, or not now: `fail` and `remote` of the search say why. A record of type tq
 * is written where some file wants those. Room for it is set aside only now: on a full disk it is
 * missing, which the log says, and mail whose own rows have their room goes on. */
void tried_fail(const struct seek *k);

/* What would have been refused, and was not, if anything. */
void tried_noted(const struct seek *k, const struct remote *remote);
