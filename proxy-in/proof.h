/* SPDX-License-Identifier: Apache-2.0
 *
 * proof - what a client has to show before it may send mail, or mail from a domain: the second
 * half of rules.h, judged at each MAIL.
 *
 * Its certificate by its source rule, and the domain of MAIL FROM by sender-domain. No sender
 * slips by that the mail server may understand in another way than we do: what is no address, has
 * no domain (which mail servers add), or one that cannot be in DNS is refused as soon as there is
 * a domain to protect.
 */
#pragma once

#include "rule/sender.h"
#include "rule/source.h"
#include "smtp/path.h"

enum { PROOF_REPLY = 160 };

struct proof {
    const struct source *rule;
    const struct senders *senders; /* NULL: no domain is protected */
    struct sender_proof has;
};

/* The reply that refuses the mail of `from` (NULL: MAIL has no path that we can read), in `room` or
 * elsewhere; empty: it may pass. What is only reported is noted. */
struct span proof_refuse(const struct proof *p, const struct path *from, char room[PROOF_REPLY],
                         struct reported *noted);
