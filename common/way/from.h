/* SPDX-License-Identifier: Apache-2.0
 *
 * from - source-address: one address of each family at most, with a space between. Pure.
 */
#pragma once

#include "base/addr.h"

MUST bool source_read(const char *text, struct addr *v4, bool *has_v4, struct addr *v6,
                      bool *has_v6);
