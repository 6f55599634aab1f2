/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/decide.h"

struct demand decide(const struct domain *rule)
{
    /* Before use-starttls, so that no mistake in a file can take a demand away. */
    if (rule->smtp_tls_verify != DOMAIN_VERIFY_NONE)
        return (struct demand){DEMAND_VERIFY, (enum domain_verify)rule->smtp_tls_verify};
    if (rule->require_starttls)
        return (struct demand){.level = DEMAND_ENCRYPT};
    return (struct demand){.level = rule->use_starttls ? DEMAND_MAY : DEMAND_NONE};
}

const char *demand_word(const struct demand *d)
{
    static const char *const words[] = {"none", "may", "encrypt", "verify"};

    return words[d->level];
}

static enum fail cert_fail(enum domain_verify verify, enum cert_state cert)
{
    switch (cert) {
    case CERT_OK:
        return FAIL_NOT;
    case CERT_UNTRUSTED:
        return FAIL_CERT_UNTRUSTED;
    case CERT_EXPIRED:
        return FAIL_CERT_EXPIRED;
    case CERT_OTHER_NAME:
        return verify == DOMAIN_VERIFY_NAME ? FAIL_CERT_NAME : FAIL_NOT;
    }
    return FAIL_CERT_UNTRUSTED;
}

static enum fail tls_fail(const struct demand *d, enum tls_outcome outcome, enum cert_state cert)
{
    switch (outcome) {
    case TLS_NOT_OFFERED:
        return FAIL_NO_STARTTLS;
    case TLS_REFUSED:
        return FAIL_STARTTLS_REFUSED;
    case TLS_INJECTED:
        return FAIL_INJECTED;
    case TLS_BROKEN:
        return FAIL_HANDSHAKE;
    case TLS_STALLED:
        return FAIL_STALLED;
    case TLS_DONE:
        return d->level == DEMAND_VERIFY ? cert_fail(d->verify, cert) : FAIL_NOT;
    }
    return FAIL_HANDSHAKE;
}

enum decision judge(const struct demand *d, enum tls_outcome outcome, enum cert_state cert,
                    bool mail_sent, enum fail *fail)
{
    bool may_be_clear = d->level < DEMAND_ENCRYPT;
    bool unbroken = outcome == TLS_NOT_OFFERED || outcome == TLS_REFUSED;
    bool may_be_again = outcome == TLS_BROKEN || outcome == TLS_STALLED;

    *fail = tls_fail(d, outcome, cert);
    if (*fail == FAIL_NOT)
        return GO_SECURE;
    /* What was injected is never rewarded with clear text. */
    if (may_be_clear && (unbroken || (may_be_again && !mail_sent))) {
        *fail = FAIL_NOT;
        return unbroken ? GO_CLEAR : GO_AGAIN_CLEAR;
    }
    return GO_NOT;
}
