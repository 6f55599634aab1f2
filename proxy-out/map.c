/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/map.h"

#include <stdio.h>

#include "base/text.h"
#include "smtp/idna.h"

/* FNV-1a: the same domain has the same address in every worker and after every restart. */
static uint32_t hash(const char *text)
{
    uint32_t h = 2166136261u;

    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 16777619u;
    return h;
}

static bool is_local(const char *domain, const struct texts *local)
{
    for (size_t i = 0; i < local->count; i++) {
        char name[IDNA_NAME];

        if (idna_ascii(span_of(local->at[i]), name) && !strcmp(name, domain))
            return true;
    }
    return false;
}

/* The domain of a key: A-labels; or as it stands, if it is no name. False: it has none. */
static bool key_domain(struct span key, char to[IDNA_NAME])
{
    const char *at = memrchr(key.at, '@', key.len);
    struct span domain;

    if (!at)
        return false;
    domain = span_after(key, (size_t)(at - key.at) + 1);
    if (!idna_ascii(domain, to))
        text_copy(to, IDNA_NAME, domain);
    return true;
}

void map_answer(struct span question, const struct texts *local, uint16_t port,
                char to[MAP_ANSWER_MAX])
{
    char domain[IDNA_NAME];
    struct span key = question, name = span_cut(&key, ' ');

    if (name.len == 0 || name.len == question.len) {
        snprintf(to, MAP_ANSWER_MAX, "PERM no question");
        return;
    }
    if (!key_domain(key, domain) || is_local(domain, local)) {
        snprintf(to, MAP_ANSWER_MAX, "NOTFOUND ");
        return;
    }
    uint32_t h = hash(domain);
    unsigned a = h >> 16 & 0xff, b = h >> 8 & 0xff;

    /* 127.0.0.0/24 is everyone's: services that listen there are not ours. */
    snprintf(to, MAP_ANSWER_MAX, "OK smtp:[127.%u.%u.%u]:%u", a, a + b == 0 ? 1 : b,
             1 + (h ^ h >> 24) % 254, port);
}
