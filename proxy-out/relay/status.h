/* SPDX-License-Identifier: Apache-2.0
 *
 * status - what enhanced status codes mean (RFC 3463; RFC 7505), in the accounting's words. Pure.
 */
#pragma once

#include "base/span.h"

/* "success" of 2.x.x; "bad destination mailbox address" of 5.1.1; "" of what no RFC names. */
const char *status_text(const char *status);
