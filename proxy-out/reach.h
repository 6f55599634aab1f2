/* SPDX-License-Identifier: Apache-2.0
 *
 * reach - addresses that nobody answered at lately: a server's others come before them, so that
 * only one message in ten minutes waits for a network that is not there.
 */
#pragma once

#include "proxy-out/worker.h"
#include "way/route.h"

void reach_note(struct worker *w, const struct addr *at, enum fail fail);
void reach_order(const struct worker *w, struct route *r);
