/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/rollup.h"

#include "smtp/idna.h"

const struct option rollup_mx_options[] = {MX_OPTIONS(OPTION_ROW, rollup_mx) OPTION_END};
OPTIONS_FIT(rollup_mx_options);

bool rollup_is_server(const char *title)
{
    char ascii[IDNA_NAME];

    return idna_ascii(span_of(strncmp(title, "*.", 2) != 0 ? title : title + 2), ascii);
}

bool rollup_is_name(const char *text)
{
    static const char end[] = ".rollup";
    size_t len = strlen(text);
    char ascii[IDNA_NAME];

    return len >= sizeof end && !strcasecmp(text + len - (sizeof end - 1), end) &&
           idna_ascii(span_of(text), ascii);
}

bool rollup_is_wildcard(const struct rollup_mx *mx)
{
    return span_starts_nocase(span_of(mx->head.title), "*.");
}

static bool has(const struct rollup_mx *mx, const char *server)
{
    size_t len = strlen(server), below = strlen(mx->head.title);

    if (len > 0 && server[len - 1] == '.')
        len--;
    if (!rollup_is_wildcard(mx))
        return len == below && !strncasecmp(server, mx->head.title, len);
    below--; /* with its dot, and something before it */
    return len > below && !strncasecmp(server + len - below, mx->head.title + 1, below);
}

/* The closest line for one server: written out, or the longest wildcard. */
static const struct rollup_mx *find_closest(const struct rollups *list, const char *server)
{
    const struct rollup_mx *best = NULL;

    for (size_t i = 0; i < list->count; i++) {
        const struct rollup_mx *mx = &list->at[i];

        if (!has(mx, server))
            continue;
        if (!rollup_is_wildcard(mx))
            return mx;
        if (!best || strlen(mx->head.title) > strlen(best->head.title))
            best = mx;
    }
    return best;
}

static bool is_among(const char *const *servers, size_t count, const char *server)
{
    for (size_t i = 0; i < count; i++)
        if (!strcasecmp(servers[i], server))
            return true;
    return false;
}

const struct rollup_mx *rollup_find(const struct rollups *list, const char *const *servers,
                                    size_t count)
{
    const struct rollup_mx *found = count && list->count ? find_closest(list, servers[0]) : NULL;
    size_t there = 0, written = 0;

    if (!found)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const struct rollup_mx *mx = find_closest(list, servers[i]);

        if (!mx || strcasecmp(mx->name, found->name) != 0)
            return NULL;
        there += !is_among(servers, i, servers[i]);
    }
    for (size_t i = 0; i < list->count; i++)
        written += !rollup_is_wildcard(&list->at[i]) && !strcasecmp(list->at[i].name, found->name);
    return written <= there ? found : NULL;
}

static bool is_same_list(const struct texts *a, const struct texts *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcasecmp(a->at[i], b->at[i]) != 0)
            return false;
    return true;
}

/* ca is less than name; a fingerprint is neither. */
static bool verifies(const struct domain *rollup, const struct domain *own)
{
    switch ((enum domain_verify)own->smtp_tls_verify) {
    case DOMAIN_VERIFY_NONE:
        return true;
    case DOMAIN_VERIFY_CA:
    case DOMAIN_VERIFY_NAME:
        return (rollup->smtp_tls_verify == own->smtp_tls_verify ||
                rollup->smtp_tls_verify == DOMAIN_VERIFY_NAME) &&
               !strcmp(rollup->smtp_tls_ca_file, own->smtp_tls_ca_file) &&
               !strcmp(rollup->smtp_tls_name, own->smtp_tls_name);
    case DOMAIN_VERIFY_FINGERPRINT:
        return rollup->smtp_tls_verify == DOMAIN_VERIFY_FINGERPRINT &&
               is_same_list(&rollup->smtp_tls_fingerprints, &own->smtp_tls_fingerprints);
    }
    return false;
}

bool rollup_keeps(const struct domain *rollup, const struct domain *own)
{
    bool remembers = !own->starttls_memory || rollup->starttls_memory >= own->starttls_memory;

    return rollup->use_starttls >= own->use_starttls &&
           rollup->require_starttls >= own->require_starttls && rollup->use_dane >= own->use_dane &&
           rollup->use_mta_sts >= own->use_mta_sts && remembers &&
           rollup->smtp_tls_min_protocol >= own->smtp_tls_min_protocol &&
           rollup->smtp_implicit_tls >= own->smtp_implicit_tls &&
           (rollup->reports & ~own->reports) == 0 && verifies(rollup, own);
}
