/* SPDX-License-Identifier: Apache-2.0
 *
 * recent - answers of the last few seconds, so that messages to one domain that come one behind the
 * other are not as many questions. Pure.
 *
 * None is used for longer than its DNS records hold (answer.lasts), nor for RECENT_SECONDS. What
 * nobody said is not kept, nor what `sallyport forget` can take away: a policy, and that TLS was
 * seen. For that long, too, equal servers stay in one order.
 */
#pragma once

#include "way/answer.h"

enum { RECENT_SECONDS = 5 };

struct recent;

/* NULL: no memory; the others then do nothing. */
struct recent *recent_new(void);
void recent_free(struct recent **r);

/* `now` is on the clock that never goes back. */
void recent_put(struct recent *r, const struct question *q, const struct answer *a, double now);

/* Of the same kind, name and port. NULL: there is none. Borrowed until the next recent_put(). */
const struct answer *recent_get(struct recent *r, const struct question *q, double now);
