/* SPDX-License-Identifier: Apache-2.0
 *
 * privacy - a record that does not say who the recipient is: privacy-policy.
 *
 * The local part of the recipient gives way to a pseudonym (pseudonym.h), in rcpt, and that of the
 * original recipient in orcpt; and wherever a record repeats them, in any case, as a word of its
 * own: in replies (dsnDiag), alone or in an address; in senders that are made of it (VERP), envId,
 * jobId, the client's login and certificate, and header fields, where their domain stands there,
 * too. Of joe+lists, joe by itself is replaced as well. What a bigger word holds stays: nobody
 * can tell whether "joel" is about joe.
 *
 * Pure.
 */
#pragma once

#include "base/option.h"
#include "tell/record.h"

struct privacy;

/* Of a policy that is right (pseudonym_objection()). NULL: it is retain, or (`*lost`) there is no
 * memory. */
struct privacy *privacy_new(struct texts policy, bool *lost);
void privacy_free(struct privacy **p);

/* What changes in `r` points into `p` and is good until the next call; values there have at most
 * RECORD_MAX bytes. */
void privacy_apply(struct privacy *p, struct record *r);
