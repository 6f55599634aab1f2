/* SPDX-License-Identifier: Apache-2.0
 *
 * lookup - from one question to its answer: MX, then the addresses of each host.
 *
 * No MX: the domain itself is the host (RFC 5321, 5.1). Hosts of one preference come in an
 * order of chance. Of many hosts the LOOKUP_HOSTS best are asked about. A host whose addresses are
 * bogus, or nobody's to say, is left out; MX records that are bogus leave nothing (ANSWER_BOGUS).
 * It frees itself after its one call of `fn`.
 */
#pragma once

#include "dns/resolve.h"
#include "way/answer.h"

enum { LOOKUP_HOSTS = 16 };

typedef void lookup_fn(void *arg, const struct answer *a);

void lookup_start(struct resolve *r, const struct question *q, lookup_fn *fn, void *arg);
