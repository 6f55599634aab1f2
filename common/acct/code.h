/* SPDX-License-Identifier: Apache-2.0
 *
 * code - the category of a refusal by its numbers: enhanced status (RFC 3463, RFC 7505, RFC 7372)
 * and reply code (RFC 5321, 4.2.3).
 */
#pragma once

#include "base/span.h"

/* Of "5.1.1"; NULL: it says nothing of its own, as 5.0.0 and 5.7.1 do. */
const char *code_of_status(struct span status);

/* What is left: by the class of the status and the code at the front of the reply. Never NULL. */
const char *code_at_last(struct span status, struct span reply);
