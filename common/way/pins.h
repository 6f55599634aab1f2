/* SPDX-License-Identifier: Apache-2.0
 *
 * pins - from QUESTION_TLSA to its answer: which TLSA records a server has, and at which name.
 *
 * RFC 7672, 2.2: a server whose addresses are not under DNSSEC is not asked about (name servers
 * that choke on TLSA have no DNSSEC either). An alias that is secure to its end has records at its
 * end, or else at its beginning; one whose end is not, at its beginning only. Whoever does not say
 * or says what does not validate: TLSA_FAILED. It frees itself after its one call of `fn`.
 */
#pragma once

#include "way/lookup.h"

void pins_start(struct resolve *r, const struct question *q, lookup_fn *fn, void *arg);
