/* SPDX-License-Identifier: Apache-2.0
 *
 * idna - domain names as DNS wants them. The door to libidn2.
 */
#pragma once

#include "base/span.h"

enum { IDNA_NAME = 256 }; /* the longest name with its NUL, and some room */

/* `domain`, in UTF-8 or not, as A-labels in lower case (RFC 5891, 5). False: it is no name of
 * a mail domain (letters, digits, '-' and '_' in labels of 1 to 63, 253 in all). */
MUST bool idna_ascii(struct span domain, char to[IDNA_NAME]);
