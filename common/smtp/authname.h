/* SPDX-License-Identifier: Apache-2.0
 *
 * authname - the name that a client logs in with, as its AUTH dialogue shows it (RFC 4954).
 *
 * It stands in the client's first response, in letters of base64. Whoever asks takes the name for
 * true only when the mail server has said 235. The secret beside it is not kept.
 */
#pragma once

#include "base/span.h"

enum { AUTHNAME_SIZE = 256 };

/* Of AUTH's first word. */
unsigned authname_find(struct span mechanism);

/* The name in the first response, which stands behind the mechanism or on a line of its own; cut to
 * fit, with a NUL. The length comes back; 0: none is there. */
size_t authname_read(char to[AUTHNAME_SIZE], unsigned mechanism, struct span response);
