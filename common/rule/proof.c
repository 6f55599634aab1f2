/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/proof.h"

#include "smtp/idna.h"

static const struct refusal
    needs_tls = {530, 7, 0, "Must issue a STARTTLS command first"},
    needs_certificate = {530, 7, 0, "A valid client certificate is required"},
    sender_needs_tls = {550, 7, 1, "Mail from this domain must come over TLS"},
    sender_needs_certificate = {550, 7, 1, "Mail from this domain needs a client certificate"},
    sender_needs_another = {550, 7, 1, "Mail from this domain needs another client certificate"},
    sender_has_no_domain = {553, 1, 7, "The sender's address needs a valid domain"},
    sender_is_unclear = {501, 1, 7, "The sender's address cannot be read"};

static const struct refusal *refuse_client(const struct proof *p, const char **word,
                                           struct reported *noted)
{
    const struct tls_facts *tls = p->has.tls;
    enum report about = tls && !strcmp(tls->verify, "not-listed")
                            ? REPORT_client_certificate_fingerprints
                            : REPORT_verify_client_certificate;

    if (p->rule->verify_client_certificate != SOURCE_VERIFY_REQUIRED ||
        (tls && !strcmp(tls->verify, "ok")) || !source_objects(p->rule, about, noted))
        return NULL;
    if (!tls)
        return &needs_tls;
    *word = tls->verify;
    return &needs_certificate;
}

/* As DNS has it, in small letters; a literal as it is. False: no mail can come from there. */
static bool find_domain(struct span from, char to[IDNA_NAME])
{
    if (from.len > 1 && from.at[from.len - 1] == '.')
        from.len--;
    if (from.len > 0 && from.len < IDNA_NAME && *from.at == '[') {
        memcpy(to, from.at, from.len);
        to[from.len] = '\0';
        return true;
    }
    return idna_ascii(from, to);
}

static const struct refusal *refuse_stranger(const struct proof *p, const char *domain,
                                             const char **word, struct reported *noted)
{
    struct sender rule;
    enum sender_lacks lacks = senders_find(p->senders, span_of(domain), &rule)
                                  ? sender_lacks(&rule, &p->has)
                                  : SENDER_LACKS_NOTHING;

    if (lacks != SENDER_LACKS_NOTHING && rule.report_only) {
        noted->rules |= 1U << REPORT_sender_domain;
        noted->times++;
        return NULL;
    }
    switch (lacks) {
    case SENDER_LACKS_NOTHING:
        break;
    case SENDER_LACKS_TLS:
        return &sender_needs_tls;
    case SENDER_LACKS_CERTIFICATE:
        *word = p->has.tls->verify;
        return &sender_needs_certificate;
    case SENDER_LACKS_THE_RIGHT_ONE:
        return &sender_needs_another;
    }
    return NULL;
}

/* Whoever puts a second address there hopes for a reader that takes it. */
static bool is_clear(const struct path *from)
{
    struct span params = from->params, name, value;
    int got;

    while ((got = param_next(&params, &name, &value)) > 0)
        ;
    return got == 0;
}

static const struct refusal *refuse_sender(const struct proof *p, const struct path *from,
                                           const char **word, struct reported *noted)
{
    char domain[IDNA_NAME];

    if (from && !is_clear(from))
        from = NULL;
    if (from && from->mailbox.len == 0)
        return NULL; /* bounces come from nobody */
    if (from && find_domain(from->domain, domain))
        return refuse_stranger(p, domain, word, noted);
    if (!senders_enforce(p->senders, p->has.authenticated))
        return NULL;
    return from ? &sender_has_no_domain : &sender_is_unclear;
}

const struct refusal *proof_refuse(const struct proof *p, const struct path *from,
                                   const char **word, struct reported *noted)
{
    const struct refusal *no;

    *word = "";
    no = refuse_client(p, word, noted);
    return no || !p->senders ? no : refuse_sender(p, from, word, noted);
}
