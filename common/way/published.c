/* SPDX-License-Identifier: Apache-2.0 */
#include "way/published.h"

#include <stdio.h>

#include "base/text.h"

/* One more of the list, or nothing of it: what is half there would be wrong. False: it does not
 * fit. */
static bool add(struct published *p, const char *item)
{
    size_t used = strlen(p->text), len = strlen(item), gap = used ? 2 : 0;

    if (used + gap + len >= sizeof p->text)
        return false;
    memcpy(p->text + used, "; ", gap);
    memcpy(p->text + used + gap, item, len + 1);
    return true;
}

static bool add_record(struct published *p, const struct tlsa *record)
{
    static const char digits[] = "0123456789ABCDEF";
    char item[PUBLISHED_TEXT];
    int used =
        snprintf(item, sizeof item, "%u %u %u ", record->usage, record->selector, record->matching);

    if ((size_t)used + 2 * (size_t)record->len >= sizeof item)
        return false;
    for (size_t i = 0; i < record->len; i++) {
        item[used++] = digits[record->data[i] >> 4];
        item[used++] = digits[record->data[i] & 15];
    }
    item[used] = '\0';
    return add(p, item);
}

static void tell_tlsa(struct published *p, const struct dane *d)
{
    text_copy(p->domain, sizeof p->domain, span_of(d->base));
    for (size_t i = 0; i < d->count; i++)
        if (!add_record(p, &d->at[i]))
            break;
    if (!p->text[0]) /* a whole certificate is too long */
        add(p, "tlsa");
}

/* As RFC 8460 shows it: a line each, max_age last. */
static void tell_sts(struct published *p, const struct answer *policy)
{
    char item[DNS_NAME + 16], age[32];

    snprintf(age, sizeof age, "max_age: %u", policy->sts.max_age);
    snprintf(item, sizeof item, "mode: %s", sts_mode_word((enum sts_mode)policy->sts.mode));
    add(p, "version: STSv1");
    add(p, item);
    for (size_t i = 0; i < policy->count; i++) {
        snprintf(item, sizeof item, "mx: %s", policy->sts.mx[i]);
        if (strlen(p->text) + strlen(item) + strlen(age) + 4 >= sizeof p->text || !add(p, item))
            break;
    }
    add(p, age);
}

void published_tell(const struct find *f, const struct known *k, const struct candidate *c,
                    const char *domain, struct published *out)
{
    const struct answer *policy = find_policy(f, c);
    struct dane dane = known_dane(k, c);
    struct candidate_facts facts;

    known_tell(k, f, c, &facts);
    *out = (struct published){.trouble = find_trouble(f, c)};
    text_copy(out->domain, sizeof out->domain,
              span_of(c->by && c->by->name[0] ? c->by->name : domain));
    if (facts.tlsa == TLSA_USABLE)
        tell_tlsa(out, &dane);
    else if (policy)
        tell_sts(out, policy);
    else if (facts.tlsa != TLSA_NONE)
        add(out, "tlsa");
    else
        add(out, out->trouble == STS_FINE ? "no-policy-found" : "sts");
}
