/* SPDX-License-Identifier: Apache-2.0
 *
 * tried - what the log says of a server that was tried.
 */
#pragma once

#include "proxy-out/seek.h"

/* It could not be used, or not now: `fail` and `remote` of the search say why. */
void tried_fail(const struct seek *k);

/* What would have been refused, and was not, if anything. */
void tried_noted(const struct seek *k, const struct remote *remote);
