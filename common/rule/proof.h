/* SPDX-License-Identifier: Apache-2.0
 *
 * proof - what a client has to show before it may send mail, or mail from a domain: judged at each
 * MAIL, by sallyport-in and by the milter alike. Pure.
 *
 * Its certificate by its source rule, and the domain of MAIL FROM by sender-domain. No sender
 * slips by that the mail server may understand in another way than we do: what is no address, has
 * no domain (which mail servers add), or one that cannot be in DNS is refused as soon as there is
 * a domain to protect.
 */
#pragma once

#include "rule/refusal.h"
#include "rule/sender.h"
#include "rule/source.h"
#include "smtp/path.h"

struct proof {
    const struct source *rule;
    const struct senders *senders; /* NULL: no domain is protected */
    struct sender_proof has;
};

/* Does any rule ask for one? Else proof_refuse() refuses nothing. */
static inline bool proof_is_asked(const struct source *rule, const struct senders *senders)
{
    return senders || rule->verify_client_certificate == SOURCE_VERIFY_REQUIRED;
}

/* Why the mail of `from` (NULL: MAIL has no path that we can read) is refused, and `*word`, what
 * the certificate lacks ("" or that of tls_facts); NULL: it may pass. What is only reported is
 * noted. */
const struct refusal *proof_refuse(const struct proof *p, const struct path *from,
                                   const char **word, struct reported *noted);
