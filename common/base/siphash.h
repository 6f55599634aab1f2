/* SPDX-License-Identifier: Apache-2.0
 *
 * siphash - SipHash-2-4: a hash of which a peer cannot know where it will lead, as long as the key
 * is secret. For tables whose keys peers may choose.
 */
#pragma once

#include <stdint.h>

#include "base/span.h"

uint64_t siphash(const uint64_t key[2], struct span bytes);
