/* SPDX-License-Identifier: Apache-2.0 */
#include "proof.h"

#include <stdio.h>

#include "smtp/idna.h"

/* `word` says what the certificate lacks. */
static struct span reply(char room[PROOF_REPLY], const char *text, const char *word)
{
    int n = snprintf(room, PROOF_REPLY, "%s (%s)\r\n", text, word);

    return (struct span){room, (size_t)n};
}

static struct span refuse_client(const struct proof *p, char room[PROOF_REPLY],
                                 struct reported *noted)
{
    const struct tls_facts *tls = p->has.tls;
    enum report about = tls && !strcmp(tls->verify, "not-listed")
                            ? REPORT_client_certificate_fingerprints
                            : REPORT_verify_client_certificate;

    if (p->rule->verify_client_certificate != SOURCE_VERIFY_REQUIRED ||
        (tls && !strcmp(tls->verify, "ok")) || !source_objects(p->rule, about, noted))
        return SPAN("");
    if (!tls)
        return SPAN("530 5.7.0 Must issue a STARTTLS command first\r\n");
    return reply(room, "530 5.7.0 A valid client certificate is required", tls->verify);
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

static struct span refuse_stranger(const struct proof *p, const char *domain,
                                   char room[PROOF_REPLY], struct reported *noted)
{
    struct sender rule;
    enum sender_lacks lacks = senders_find(p->senders, span_of(domain), &rule)
                                  ? sender_lacks(&rule, &p->has)
                                  : SENDER_LACKS_NOTHING;

    if (lacks != SENDER_LACKS_NOTHING && rule.report_only) {
        noted->rules |= 1U << REPORT_sender_domain;
        noted->times++;
        return SPAN("");
    }
    switch (lacks) {
    case SENDER_LACKS_NOTHING:
        break;
    case SENDER_LACKS_TLS:
        return SPAN("550 5.7.1 Mail from this domain must come over TLS\r\n");
    case SENDER_LACKS_CERTIFICATE:
        return reply(room, "550 5.7.1 Mail from this domain needs a client certificate",
                     p->has.tls->verify);
    case SENDER_LACKS_THE_RIGHT_ONE:
        return SPAN("550 5.7.1 Mail from this domain needs another client certificate\r\n");
    }
    return SPAN("");
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

static struct span refuse_sender(const struct proof *p, const struct path *from,
                                 char room[PROOF_REPLY], struct reported *noted)
{
    char domain[IDNA_NAME];

    if (from && !is_clear(from))
        from = NULL;
    if (from && from->mailbox.len == 0)
        return SPAN(""); /* bounces come from nobody */
    if (from && find_domain(from->domain, domain))
        return refuse_stranger(p, domain, room, noted);
    if (!senders_enforce(p->senders, p->has.authenticated))
        return SPAN("");
    return from ? SPAN("553 5.1.7 The sender's address needs a valid domain\r\n")
                : SPAN("501 5.1.7 The sender's address cannot be read\r\n");
}

struct span proof_refuse(const struct proof *p, const struct path *from, char room[PROOF_REPLY],
                         struct reported *noted)
{
    struct span no = refuse_client(p, room, noted);

    return no.len > 0 || !p->senders ? no : refuse_sender(p, from, room, noted);
}
