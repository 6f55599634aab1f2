/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/envid.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/siphash.h"

#define MARK "SP1/"
enum { MAC_LEN = 16, SIGNED_MAX = 2 * ENVID_MAX };

/* What xtext may hold as it stands, without our own separator. */
static bool is_plain(struct span id)
{
    for (size_t i = 0; i < id.len; i++)
        if (id.at[i] <= ' ' || id.at[i] > '~' || strchr("+=/", id.at[i]))
            return false;
    return id.len > 0;
}

/* The separator is in no queue id, so no two pairs look the same. */
static void sign(char mac[MAC_LEN + 1], const uint64_t key[2], struct span queue_id,
                 struct span own)
{
    char text[SIGNED_MAX];
    int len = snprintf(text, sizeof text, "%.*s/%.*s", SPAN_ARG(queue_id), SPAN_ARG(own));

    snprintf(mac, MAC_LEN + 1, "%016" PRIx64, siphash(key, (struct span){text, (size_t)len}));
}

size_t envid_make(char to[ENVID_MAX + 1], const uint64_t key[2], struct span queue_id,
                  struct span own)
{
    char mac[MAC_LEN + 1];
    int len;

    if (!is_plain(queue_id) || strlen(MARK) + queue_id.len + MAC_LEN + 2 + own.len > ENVID_MAX)
        return 0;
    sign(mac, key, queue_id, own);
    len = snprintf(to, ENVID_MAX + 1, MARK "%.*s/%s/%.*s", SPAN_ARG(queue_id), mac, SPAN_ARG(own));
    return (size_t)len;
}

/* In the same time whatever differs, so that nobody can feel his way to it. */
static bool is_same(struct span said, const char mac[MAC_LEN + 1])
{
    unsigned differ = said.len != MAC_LEN;

    for (size_t i = 0; i < MAC_LEN && i < said.len; i++)
        differ |= (unsigned char)said.at[i] ^ (unsigned char)mac[i];
    return differ == 0;
}

bool envid_claims(struct span value)
{
    return span_starts_nocase(value, MARK);
}

bool envid_read(struct span value, const uint64_t key[2], struct span *queue_id, struct span *own)
{
    char mac[MAC_LEN + 1];
    struct span rest, id, said;

    if (!envid_claims(value) || value.len > ENVID_MAX)
        return false;
    rest = span_after(value, strlen(MARK));
    id = span_cut(&rest, '/');
    said = span_cut(&rest, '/');
    if (!is_plain(id) || said.at + said.len == value.at + value.len)
        return false;
    sign(mac, key, id, rest);
    if (!is_same(said, mac))
        return false;
    *queue_id = id;
    *own = rest;
    return true;
}
