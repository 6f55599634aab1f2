/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/decide.h"

#include <stdio.h>

/* A demand of the administrator's, which report-only may make a note of. */
static void demand(struct demand *d, const struct domain *rule, enum demand_part part,
                   enum demand_report name)
{
    if (rule->reports & 1U << name)
        d->notes |= part;
    else
        d->must |= part;
}

static void heed_rule(struct demand *d, const struct domain *rule, bool seen)
{
    if (rule->require_starttls)
        demand(d, rule, PART_ENCRYPT, DEMAND_REPORT_require_starttls);
    if (rule->smtp_implicit_tls)
        d->must |= PART_ENCRYPT;
    d->verify = (enum domain_verify)rule->smtp_tls_verify;
    if (d->verify != DOMAIN_VERIFY_NONE)
        demand(d, rule, PART_VERIFY, DEMAND_REPORT_smtp_tls_verify);
    if (rule->starttls_memory > 0 && seen)
        demand(d, rule, PART_MEMORY, DEMAND_REPORT_starttls_memory);
    d->dane_required = rule->use_dane == DOMAIN_DANE_REQUIRED;
    if (d->dane_required)
        d->must |= PART_DANE;
}

static enum fail fails(struct demand *d, enum fail fail, enum demand_part by)
{
    d->by = by;
    return fail;
}

static enum fail heed_dane(struct demand *d, const struct domain *rule, enum tlsa_state tlsa)
{
    bool required = d->dane_required;

    if (rule->use_dane == DOMAIN_DANE_OFF)
        return FAIL_NOT;
    switch (tlsa) {
    case TLSA_NONE:
        return required ? fails(d, FAIL_DANE_REQUIRED, PART_ENCRYPT) : FAIL_NOT;
    case TLSA_USABLE:
        d->must |= PART_DANE;
        return FAIL_NOT;
    case TLSA_UNUSABLE:
        d->must |= PART_DANE_UNUSABLE;
        return required ? fails(d, FAIL_DANE_REQUIRED, PART_ENCRYPT) : FAIL_NOT;
    case TLSA_FAILED:
        break;
    }
    d->must |= PART_DANE;
    return fails(d, FAIL_TLSA_LOOKUP, PART_DANE);
}

static enum fail heed_sts(struct demand *d, const struct domain *rule,
                          const struct candidate_facts *f)
{
    if (!rule->use_mta_sts || f->sts == STS_NONE)
        return FAIL_NOT;
    if (f->sts == STS_ENFORCE) {
        d->sts_behind = d->must & PART_DANE;
        if (!d->sts_behind || !f->sts_lists)
            d->must |= PART_STS;
        return f->sts_lists ? FAIL_NOT : fails(d, FAIL_STS_MX, PART_STS);
    }
    d->sts_unlisted = !f->sts_lists;
    if (rule->use_starttls && (d->sts_unlisted || !(d->must & PART_DANE)))
        d->notes |= PART_STS;
    return FAIL_NOT;
}

enum fail decide(const struct domain *rule, const struct candidate_facts *f, struct demand *out)
{
    struct demand d = {.level = DEMAND_NONE};
    enum fail fail;

    heed_rule(&d, rule, f->seen);
    fail = heed_dane(&d, rule, f->tlsa);
    if (fail == FAIL_NOT)
        fail = heed_sts(&d, rule, f);
    /* What is demanded counts before use-starttls: no mistake in a file takes it away. */
    if (d.must)
        d.level = DEMAND_ENCRYPT;
    else if (rule->use_starttls)
        d.level = DEMAND_MAY;
    /* A stall that somebody made must not buy clear text where TLS is known, or is watched. */
    if (d.level == DEMAND_MAY && !d.notes && !f->seen)
        d.broken = f->broken;
    *out = d;
    return fail;
}

static const struct {
    enum demand_part part;
    const char *word, *noted;
} words[] = {
    {PART_VERIFY, "verify", "verify-reported"},
    {PART_DANE, "dane", "dane"},
    {PART_DANE_UNUSABLE, "dane-unusable", "dane-unusable"},
    {PART_STS, "sts", "sts-testing"},
    {PART_MEMORY, "memory", "memory-reported"},
};

static size_t add_word(char to[DEMAND_TEXT], size_t len, const char *word)
{
    return len + (size_t)snprintf(to + len, DEMAND_TEXT - len, "%s%s", len ? "+" : "", word);
}

const char *demand_text(const struct demand *d, char to[DEMAND_TEXT])
{
    static const char *const levels[] = {"none", "may", "encrypt"};
    size_t len = 0;

    to[0] = '\0';
    if (!(d->must & ~(unsigned)PART_ENCRYPT))
        len = add_word(to, len, levels[d->level]);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (d->must & words[i].part)
            len = add_word(to, len, words[i].word);
    if (d->notes & PART_ENCRYPT)
        len = add_word(to, len, "encrypt-reported");
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (d->notes & words[i].part)
            len = add_word(to, len, words[i].noted);
    return to;
}

const char *demand_by(enum demand_part part, const struct domain *rule)
{
    switch (part) {
    case PART_NONE:
        break;
    case PART_ENCRYPT:
    case PART_VERIFY:
        return rule->head.title ? rule->head.title : "";
    case PART_DANE:
    case PART_DANE_UNUSABLE:
        return "dane";
    case PART_STS:
        return "mta-sts";
    case PART_MEMORY:
        return "starttls-memory";
    }
    return "";
}

enum fail tls_lack(enum tls_outcome outcome)
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
    case TLS_UNWANTED:
        return FAIL_CLIENT_CERT;
    case TLS_DONE:
        return FAIL_NOT;
    }
    return FAIL_HANDSHAKE;
}

static enum fail verify_fail(enum domain_verify verify, const struct tls_shown *shown)
{
    if (verify == DOMAIN_VERIFY_FINGERPRINT)
        return shown->listed ? FAIL_NOT : FAIL_CERT_FINGERPRINT;
    switch (shown->cert) {
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

static enum fail sts_fail(const struct tls_shown *shown)
{
    switch (shown->sts) {
    case CERT_OK:
        return FAIL_NOT;
    case CERT_UNTRUSTED:
        return FAIL_STS_UNTRUSTED;
    case CERT_EXPIRED:
        return FAIL_STS_EXPIRED;
    case CERT_OTHER_NAME:
        return FAIL_STS_NAME;
    }
    return FAIL_STS_UNTRUSTED;
}

static enum fail dane_fail(const struct demand *d, const struct tls_shown *shown)
{
    switch (shown->dane) {
    case DANE_MATCHED:
        return FAIL_NOT;
    case DANE_UNUSABLE:
        return d->dane_required ? FAIL_DANE : d->sts_behind ? sts_fail(shown) : FAIL_NOT;
    case DANE_UNMATCHED:
    case DANE_OTHER_NAME:
    case DANE_EXPIRED:
        break;
    }
    return FAIL_DANE;
}

/* Of TLS that came about. */
static enum fail part_fail(const struct demand *d, enum demand_part part,
                           const struct tls_shown *shown)
{
    switch (part) {
    case PART_NONE:
    case PART_ENCRYPT:
    case PART_DANE_UNUSABLE:
    case PART_MEMORY:
        return FAIL_NOT;
    case PART_VERIFY:
        return verify_fail(d->verify, shown);
    case PART_DANE:
        return dane_fail(d, shown);
    case PART_STS:
        return sts_fail(shown);
    }
    return FAIL_HANDSHAKE;
}

static enum fail lack_of(enum demand_part part, enum tls_outcome outcome)
{
    return part == PART_MEMORY && outcome == TLS_NOT_OFFERED ? FAIL_STARTTLS_GONE
                                                             : tls_lack(outcome);
}

/* The first of `parts` that does not hold. */
static enum fail first_fail(const struct demand *d, unsigned parts, const struct tls_shown *shown,
                            enum demand_part *by)
{
    for (unsigned part = 1; part <= PART_LAST; part <<= 1) {
        enum fail fail;

        if (!(parts & part))
            continue;
        *by = (enum demand_part)part;
        if (part == PART_STS && (d->notes & parts & PART_STS) && d->sts_unlisted)
            return FAIL_STS_MX;
        fail = shown->outcome == TLS_DONE ? part_fail(d, *by, shown) : lack_of(*by, shown->outcome);
        if (fail != FAIL_NOT)
            return fail;
    }
    *by = PART_NONE;
    return FAIL_NOT;
}

struct judgement judge(const struct demand *d, const struct tls_shown *shown, bool mail_sent)
{
    bool unbroken = shown->outcome == TLS_NOT_OFFERED || shown->outcome == TLS_REFUSED;
    bool may_be_again = shown->outcome == TLS_BROKEN || shown->outcome == TLS_STALLED ||
                        shown->outcome == TLS_UNWANTED;
    struct judgement j = {.then = GO_NOT};

    j.fail = first_fail(d, d->must, shown, &j.by);
    j.noted = first_fail(d, d->notes, shown, &j.noted_by);
    if (j.fail != FAIL_NOT)
        return j;
    if (shown->outcome == TLS_DONE)
        j.then = GO_SECURE;
    else if (d->level >= DEMAND_ENCRYPT)
        j.fail = tls_lack(shown->outcome);
    else if (unbroken)
        j.then = GO_CLEAR;
    else if (may_be_again && !mail_sent)
        j.then = GO_AGAIN_CLEAR;
    else
        j.fail = tls_lack(shown->outcome); /* what was injected is never rewarded */
    return j;
}
