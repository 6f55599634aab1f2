/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/policy.h"

#include <assert.h>
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

const struct refusal *policy_at_mail(const struct source *rule, const struct client *c,
                                     struct reported *noted)
{
    bool logged_in = c->user.len > 0 || c->mechanism.len > 0;

    if (rule->require_starttls && !c->secure &&
        source_objects(rule, REPORT_require_starttls, noted))
        return &needs_tls;
    if (rule->require_starttls_before_auth && logged_in && !c->secure)
        return &needs_tls_to_log_in;
    if (!rule->allow_unencrypted_plain_auth && logged_in && !c->secure &&
        !keeps_secret(c->mechanism))
        return &needs_tls_for_mechanism;
    if (rule->require_auth && !logged_in && source_objects(rule, REPORT_require_auth, noted))
        return &needs_login;
    return NULL;
}

void refusal_codes(const struct refusal *r, char code[4], char enhanced[12])
{
    assert(r->code >= 400 && r->code <= 599 && r->subject < 1000 && r->detail < 1000);
    snprintf(code, 4, "%u", r->code % 1000);
    snprintf(enhanced, 12, "%u.%u.%u", r->code / 100 % 10, r->subject % 1000, r->detail % 1000);
}
