/* SPDX-License-Identifier: Apache-2.0
 *
 * rules - what of a client's commands we refuse ourselves, by its source rule.
 */
#pragma once

#include "rule/source.h"
#include "smtp/ehlo.h"
#include "smtp/serve.h"

/* Where the session stands. */
struct standing {
    bool secured;       /* TLS is on */
    bool has_tls;       /* there is a certificate to start it with */
    bool in_mail;       /* a transaction is open */
    bool authenticated; /* the backend said 235 */
};

bool rules_offer_starttls(const struct source *rule, const struct standing *at);
enum ehlo_auth rules_auth(const struct source *rule, const struct standing *at);

/* Is EHLO answered by what the backend offered before, without calling it? Ahead of a possible
 * STARTTLS always; `late`: it is called as late as may be. */
bool rules_show_known(const struct source *rule, const struct standing *at, bool late);

/* The reply that refuses `q`; empty if the rules have nothing against it. What they have against
 * it but only report is noted. */
struct span rules_refuse(const struct source *rule, const struct standing *at,
                         const struct request *q, struct reported *noted);

/* RFC 1870, 6.1: do the parameters of MAIL say that more than `most` will come? 0: no limit. */
bool rules_exceed(struct span params, unsigned long most);

/* The size to show to a client where the backend shows `theirs`; 0: none, or just that. A line that
 * we put before its message needs room. */
unsigned long rules_size(const struct source *rule, unsigned long theirs);

/* Is TLS demanded of everything, before TLS? */
bool rules_demand_tls(const struct source *rule);

/* Refuses parameters of MAIL and RCPT that are none of `extensions` (bits of ehlo.def), with 555
 * as nobody would know them; empty if all is well. */
struct span rules_refuse_params(enum verb verb, struct span params, unsigned extensions);

/* The extensions that a command, with these parameters, makes use of: bits of ehlo.def. */
unsigned rules_used(enum verb verb, struct span params);
