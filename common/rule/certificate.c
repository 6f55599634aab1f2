/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/certificate.h"

#include <ctype.h>
#include <string.h>

bool fingerprint_read(struct span text, char to[FINGERPRINT_TEXT])
{
    size_t len = 0, colons = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];

        if (c == ':') {
            /* Behind each byte but the last. */
            if (len == 0 || len % 2 || text.at[i - 1] == ':' || i + 1 == text.len)
                return false;
            colons++;
            continue;
        }
        if (!isxdigit(c) || len + 1 == FINGERPRINT_TEXT)
            return false;
        to[len++] = (char)tolower(c);
    }
    to[len] = '\0';
    return len == FINGERPRINT_TEXT - 1 && (colons == 0 || colons == len / 2 - 1);
}

const char *fingerprints_mistake(const struct texts *list)
{
    char text[FINGERPRINT_TEXT];

    for (size_t i = 0; i < list->count; i++)
        if (!fingerprint_read(span_of(list->at[i]), text))
            return list->at[i];
    return NULL;
}

bool fingerprints_have(const struct texts *list, const struct tls_facts *tls)
{
    char text[FINGERPRINT_TEXT];

    for (size_t i = 0; i < list->count; i++)
        if (fingerprint_read(span_of(list->at[i]), text) &&
            (!strcmp(text, tls->peer_fingerprint) || !strcmp(text, tls->peer_key_fingerprint)))
            return true;
    return false;
}

/* Is nothing wrong but that no CA vouches for it? */
static bool is_unknown(const char *verify)
{
    return !strcmp(verify, "self-signed") || !strcmp(verify, "untrusted");
}

const char *certificate_word(const struct source *rule, const struct tls_facts *tls, bool has_ca)
{
    const struct texts *list = &rule->client_certificate_fingerprints;
    bool good = !strcmp(tls->verify, "ok") || (!has_ca && is_unknown(tls->verify));

    if (rule->verify_client_certificate == SOURCE_VERIFY_NONE || list->count == 0 || !good)
        return tls->verify;
    return fingerprints_have(list, tls) ? "ok" : "not-listed";
}

bool certificate_is_name(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.at[i]) && !memchr("-_.*", s.at[i], 4))
            return false;
    return s.len > 0;
}

static bool is_same(struct span a, struct span b)
{
    return a.len == b.len && a.len > 0 && !strncasecmp(a.at, b.at, a.len);
}

static bool matches(struct span pattern, struct span name)
{
    if (pattern.len > 2 && pattern.at[0] == '*' && pattern.at[1] == '.') {
        struct span label = span_cut(&name, '.');

        return label.len > 0 && is_same(span_after(pattern, 2), name);
    }
    return is_same(pattern, name);
}

bool certificate_has_name(struct span names, struct span name)
{
    while (names.len > 0)
        if (matches(span_cut(&names, ' '), name))
            return true;
    return false;
}
