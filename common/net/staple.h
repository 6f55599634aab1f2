/* SPDX-License-Identifier: Apache-2.0
 *
 * staple - OCSP responses that go out with our certificates (RFC 6066, 8; RFC 6960).
 *
 * Each file holds one response in DER, as a fetcher leaves it. It finds its certificate by
 * itself, among those of all names and key types. One that is damaged, expired, about something
 * else, or that does not say "good" is not sent, and shows why: mail goes on without.
 */
#pragma once

#include "base/dated.h"
#include "base/option.h"
#include "base/span.h"

struct cert;
struct staples;
struct ssl_ctx_st;

/* Reads all. NULL: no memory. */
MUST struct staples *staples_new(const struct texts *files);
void staples_free(struct staples **s);

/* Those that are about this certificate are for it from now on; checked against its issuer if its
 * chain has it. */
void staples_fit(struct staples *s, const struct cert *c);

/* A client that asks gets the one for the certificate that it gets. `s` must live as long. */
void staples_use(struct staples *s, struct ssl_ctx_st *ctx);

/* After all certificates were fitted. */
void staples_show(const struct staples *s, dated_fn *show, void *arg);
