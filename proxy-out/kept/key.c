/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/kept/key.h"

#include "net/digest.h"

_Static_assert((int)UPSTREAM_KEY >= (int)DIGEST_TEXT, "a digest fits");

static void add_text(struct digest *d, const char *text)
{
    digest_add(d, span_of(text ? text : ""));
}

/* A value without holes. */
#define ADD(d, value) digest_add(d, (struct span){(const char *)&(value), sizeof(value)})

static void add_rule(struct digest *d, const struct domain *rule)
{
    const struct cert_files *ours = &rule->smtp_client_certificate;

    add_text(d, rule->smtp_tls_ca_file);
    add_text(d, ours->count > 0 ? ours->at[0].file : "");
    add_text(d, rule->smtp_tls_ciphers);
    ADD(d, rule->smtp_tls_min_protocol);
    ADD(d, rule->smtp_implicit_tls);
    add_text(d, rule->smtp_tls_name);
    add_text(d, rule->auth_username);
    add_text(d, rule->auth_password);
    ADD(d, rule->use_unencrypted_plain_auth);
}

static void add_demand(struct digest *d, const struct key_of *of)
{
    const struct demand *demand = of->demand;
    const struct texts *listed = &of->rule->smtp_tls_fingerprints;

    ADD(d, demand->level);
    ADD(d, demand->must);
    ADD(d, demand->notes);
    ADD(d, demand->verify);
    ADD(d, demand->sts_unlisted);
    ADD(d, demand->dane_required);
    ADD(d, demand->sts_behind);
    if (demand->must & PART_DANE)
        dane_digest(of->dane, d);
    add_text(d, of->policy);
    for (size_t i = 0; demand->verify == DOMAIN_VERIFY_FINGERPRINT && i < listed->count; i++)
        add_text(d, listed->at[i]);
}

void key_make(char key[UPSTREAM_KEY], const struct key_of *of)
{
    struct digest *d = digest_new();

    ADD(d, of->to->at.ip);
    ADD(d, of->to->at.port);
    add_text(d, of->to->name);
    digest_add(d, of->from ? (struct span){(const char *)of->from->ip, sizeof of->from->ip}
                           : SPAN(""));
    add_text(d, of->ehlo_name);
    ADD(d, of->tls);
    add_rule(d, of->rule);
    add_demand(d, of);
    digest_end(&d, key);
}
