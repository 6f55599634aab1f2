/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/policy.h"

#include <stdio.h>

#include "smtp/ehlo.h"

static const struct refusal needs_tls = {530, 7, 0, "Must issue a STARTTLS command first"};
static const struct refusal needs_tls_to_log_in = {530, 7, 0,
                                                   "Must issue a STARTTLS command before AUTH"};
/* RFC 4954, 6 has 5.7.11 for it. */
static const struct refusal needs_tls_for_mechanism = {
    538, 7, 11, "Encryption required for requested authentication mechanism"};
static const struct refusal needs_login = {530, 7, 0, "Authentication required"};

const struct refusal policy_no_room = {452, 3, 1, "Insufficient system storage"};

/* With XCLIENT the login was somewhere else: nothing of it could be heard here. */
static bool keeps_secret(struct span mechanism)
{
    return auth_is_guarded(mechanism) || span_is_nocase(mechanism, "XCLIENT");
}

bool policy_has_logged_in(const struct client *c)
{
    return c->user.len > 0 || c->mechanism.len > 0;
}

static const struct refusal *refuse_client(const struct source *rule, const struct client *c,
                                           struct reported *noted)
{
    bool logged_in = policy_has_logged_in(c);

    if (rule->require_starttls && !c->tls && source_objects(rule, REPORT_require_starttls, noted))
        return &needs_tls;
    if (rule->require_starttls_before_auth && logged_in && !c->tls)
        return &needs_tls_to_log_in;
    if (!rule->allow_unencrypted_plain_auth && logged_in && !c->tls && !keeps_secret(c->mechanism))
        return &needs_tls_for_mechanism;
    if (rule->require_auth && !logged_in && source_objects(rule, REPORT_require_auth, noted))
        return &needs_login;
    return NULL;
}

/* What is too long to be an address is none. */
static bool read_sender(struct span from, char room[2048], struct path *out)
{
    int n = snprintf(room, 2048, "FROM:%.*s", SPAN_ARG(from));

    return n > 0 && n < 2048 && path_read((struct span){room, (size_t)n}, "FROM:", out);
}

const struct refusal *policy_at_mail(const struct asked *q, const char **word,
                                     struct reported *noted)
{
    const struct client *c = &q->client;
    const struct proof proof = {.rule = q->rule,
                                .senders = q->senders,
                                .has = {.tls = c->tls,
                                        .names = c->names,
                                        .authenticated = policy_has_logged_in(c),
                                        .compared = c->compared}};
    const struct refusal *no = refuse_client(q->rule, c, noted);
    char room[2048];
    struct path path;

    *word = "";
    if (no)
        return no;
    return proof_refuse(&proof, read_sender(q->from, room, &path) ? &path : NULL, word, noted);
}
