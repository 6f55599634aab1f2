/* SPDX-License-Identifier: Apache-2.0
 *
 * policy - what a client may do, by its source rule, and what mail from a domain must show. Pure.
 *
 * The second line: a milter does not see AUTH itself, only at MAIL that it took place. The
 * proxy, or the mail server's own setting, keeps secrets off the wire. What sallyport-in has
 * judged comes to the same here: rule/proof.h is both's.
 */
#pragma once

#include "rule/proof.h"

/* What is known of the client when it says MAIL. */
struct client {
    const struct tls_facts *tls; /* NULL in the clear */
    struct span user;            /* who it has logged in as; "" if it has not */
    struct span mechanism;       /* by which */
    struct span names;           /* of its certificate, as far as they are known */
    bool compared;               /* see sender_proof */
};

bool policy_has_logged_in(const struct client *c);

struct asked {
    const struct source *rule;
    const struct senders *senders; /* NULL: no domain is protected */
    struct client client;
    struct span from; /* of MAIL, as the mail server has it: "<a@x.test>" */
};

/* NULL: MAIL may pass. `*word` is why not, where it is about a certificate, else "". What is
 * against it but only reported is noted. */
const struct refusal *policy_at_mail(const struct asked *q, const char **word,
                                     struct reported *noted);

/* No room to account for more: 452 4.3.1. */
extern const struct refusal policy_no_room;
