/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/checks.h"

#include "conf/inherit.h"
#include "conf/kinds.h"
#include "conf/settings.h"
#include "rule/certificate.h"

static void check_listener_backend(struct check *c, struct section *s)
{
    const struct smtp_listener *l = (const struct smtp_listener *)s->head;

    if (*l->backend && !check_find(c, KIND_BACKEND, l->backend))
        check_wrong_name(c, s, "backend", KIND_BACKEND, l->backend);
    if (!*l->backend && c->backends > 1)
        wrong(c, s, "backend",
              "smtp-listener %s does not say which of the %zu backends; add "
              "backend = NAME",
              l->head.title, c->backends);
}

void check_smtp_listener(struct check *c, struct section *s)
{
    struct smtp_listener *l = (struct smtp_listener *)s->head;

    inherit_global(l, (const struct global *)c->list->head);
    if (!check_read_at(c, s, "smtp-listener", l->head.title, &l->at))
        return;
    check_listener_backend(c, s);
    if (*l->source && !check_find(c, KIND_SOURCE, l->source))
        check_wrong_name(c, s, "source", KIND_SOURCE, l->source);
    if (l->tls && !l->tls_certificate.count && !c->list->hurt)
        wrong(c, s, "tls",
              "there is no certificate for it; give smtp-server-tls-certificate, or "
              "tls-certificate here");
}

static bool find_certificate(const struct check *c)
{
    const struct smtp_listener *l;
    bool any = false;

    for (const struct section *s = c->list; s; s = s->next) {
        l = (const struct smtp_listener *)s->head;
        if (check_is_kind(s, KIND_SMTP_LISTENER) && (s->bad || l->tls_certificate.count))
            return true;
        any |= check_is_kind(s, KIND_SMTP_LISTENER);
    }
    return !any || c->list->hurt;
}

/* Not for each source: a walk over all sections for each made 32 s of 100,000. */
void check_in_begin(struct check *c)
{
    c->has_certificate = find_certificate(c);
}

void check_fingerprints(struct check *c, struct section *s, const char *name,
                        const struct texts *list)
{
    const char *mistake = fingerprints_mistake(list);

    if (mistake)
        wrong(c, s, name,
              "'%s' is no SHA-256 in hex; write 64 digits, with or without colons: openssl x509 "
              "-noout -fingerprint -sha256",
              mistake);
}

void check_source(struct check *c, struct section *s)
{
    const struct source *source = (const struct source *)s->head;
    char why[1024];
    struct sources *alone = sources_new(source, 1, why, sizeof why);

    if (!alone) {
        s->bad = true;
        problem_add_line(c->problems, why);
    }
    sources_free(&alone);
    check_fingerprints(c, s, "client-certificate-fingerprints",
                       &source->client_certificate_fingerprints);
    if (source->allow_starttls && !c->has_certificate)
        wrong(c, s, "allow-starttls",
              "no listener has a certificate; give "
              "smtp-server-tls-certificate");
}

void check_sender_domain(struct check *c, struct section *s)
{
    const struct sender *sender = (const struct sender *)s->head;

    for (size_t i = 0; i < sender->certificate_names.count; i++)
        check_host(c, s, "certificate-names", sender->certificate_names.at[i]);
    check_fingerprints(c, s, "certificate-fingerprints", &sender->certificate_fingerprints);
    if (!sender->require_tls &&
        (sender->certificate_names.count || sender->certificate_fingerprints.count))
        wrong(c, s, "require-tls", "a certificate comes over TLS only; say yes, or name none");
}
