/* SPDX-License-Identifier: Apache-2.0
 *
 * anchor - the name that trust anchors are for: what must come back secure, or nothing will.
 */
#pragma once

#include "dns/dns.h"

/* The name of the first trust anchor in a file; "." if none can be found. */
void anchor_name(const char *file, char name[DNS_NAME]);
