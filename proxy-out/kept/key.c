/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/kept/key.h"

#include "net/digest.h"

_Static_assert((int)UPSTREAM_KEY >= (int)DIGEST_TEXT, "a digest fits");

static void add_text(struct digest *d, const char *text)
{
    digest_add(d, span_of(text ? text : ""));
}

/* Values without holes. */
#define ADD(d, values) digest_add(d, (struct span){(const char *)&(values), sizeof(values)})

_Static_assert(sizeof(struct demand) == 7 * sizeof(int), "what more is demanded goes into the key");

/* As one piece: the length that goes with each costs as much as a number does. */
static void add_numbers(struct digest *d, const struct key_of *of)
{
    const struct domain *rule = of->rule;
    const struct demand *demand = of->demand;
    const unsigned all[] = {of->to->at.port,         (unsigned)rule->smtp_tls_min_protocol,
                            rule->smtp_implicit_tls, rule->use_unencrypted_plain_auth,
                            (unsigned)demand->level, demand->must,
                            demand->notes,           (unsigned)demand->verify,
                            demand->sts_unlisted,    demand->dane_required,
                            demand->sts_behind};

    ADD(d, all);
}

static void add_rule(struct digest *d, const struct domain *rule)
{
    const struct cert_files *ours = &rule->smtp_client_certificate;

    add_text(d, rule->smtp_tls_ca_file);
    add_text(d, ours->count > 0 ? ours->at[0].file : "");
    add_text(d, rule->smtp_tls_ciphers);
    add_text(d, rule->smtp_tls_name);
    add_text(d, rule->auth_username);
    add_text(d, rule->auth_password);
}

static void add_demand(struct digest *d, const struct key_of *of)
{
    const struct demand *demand = of->demand;
    const struct texts *listed = &of->rule->smtp_tls_fingerprints;

    if (demand->must & PART_DANE)
        dane_digest(of->dane, d);
    add_text(d, of->policy);
    for (size_t i = 0; demand->verify == DOMAIN_VERIFY_FINGERPRINT && i < listed->count; i++)
        add_text(d, listed->at[i]);
}

void key_make(char key[UPSTREAM_KEY], const struct key_of *of)
{
    struct digest *d = digest_new();

    add_numbers(d, of);
    ADD(d, of->to->at.ip);
    add_text(d, of->to->name);
    digest_add(d, of->from ? (struct span){(const char *)of->from->ip, sizeof of->from->ip}
                           : SPAN(""));
    add_text(d, of->ehlo_name);
    ADD(d, of->tls);
    add_rule(d, of->rule);
    add_demand(d, of);
    digest_end(&d, key);
}
