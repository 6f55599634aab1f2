/* SPDX-License-Identifier: Apache-2.0
 *
 * crc32c - Castagnoli's checksum (RFC 3720, B.4): to tell whether bytes are the same again. It
 * does not hold against people who choose the bytes.
 */
#pragma once

#include <stdint.h>

#include "base/span.h"

/* Begins with 0; goes on with what came before. */
uint32_t crc32c(uint32_t before, struct span bytes);

/* The same without the processor's instruction for it. */
uint32_t crc32c_plain(uint32_t before, struct span bytes);
