/* SPDX-License-Identifier: Apache-2.0
 *
 * xtext - values inside of parameters and XCLIENT attributes (RFC 3461, 4).
 */
#pragma once

#include "base/span.h"

/* Both write a NUL behind what they made and give back its length; (size_t)-1 if it does
 * not fit or, in reading, is not xtext. */
MUST size_t xtext_make(char *to, size_t size, struct span from);
MUST size_t xtext_read(char *to, size_t size, struct span from);
