/* SPDX-License-Identifier: Apache-2.0
 *
 * seen - starttls-memory in a worker: tells the facts process that a domain has shown TLS, and
 * not for every message.
 */
#pragma once

#include "proxy-out/worker.h"

struct seen;

struct seen *seen_new(void);
void seen_free(struct seen **s);

/* All are told anew: after a `sallyport forget`. */
void seen_clear(struct seen *s);

/* One of its servers has; it counts for `seconds` from now. */
void seen_tell(struct worker *w, const char *domain, unsigned long seconds);
