/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/tlsa.h"

enum { WHOLE, SHA256, SHA512 };
enum { TRUST_ANCHOR = 2, END_ENTITY = 3, KEY = 1, HEAD = 3 };

static bool fits(unsigned matching, size_t len)
{
    static const size_t digests[] = {[SHA256] = 32, [SHA512] = 64};

    return matching == WHOLE ? len > 0 && len <= TLSA_DATA
                             : matching <= SHA512 && len == digests[matching];
}

bool tlsa_read(struct span content, struct tlsa *out)
{
    const unsigned char *at = (const unsigned char *)content.at;

    if (content.len < HEAD || (at[0] != TRUST_ANCHOR && at[0] != END_ENTITY) || at[1] > KEY ||
        !fits(at[2], content.len - HEAD))
        return false;
    *out = (struct tlsa){.usage = at[0],
                         .selector = at[1],
                         .matching = at[2],
                         .len = (uint16_t)(content.len - HEAD)};
    memcpy(out->data, at + HEAD, out->len);
    return true;
}

static bool has_stronger(const struct tlsa *at, size_t count, const struct tlsa *one)
{
    for (size_t i = 0; i < count; i++)
        if (at[i].usage == one->usage && at[i].selector == one->selector &&
            at[i].matching > one->matching)
            return true;
    return false;
}

size_t tlsa_choose(struct tlsa *at, size_t count)
{
    size_t kept = 0;

    /* What is kept in front of a record is as strong as any that was there. */
    for (size_t i = 0; i < count; i++) {
        if (at[i].matching != WHOLE &&
            (has_stronger(at, kept, &at[i]) || has_stronger(at + i + 1, count - i - 1, &at[i])))
            continue;
        if (kept != i)
            at[kept] = at[i];
        kept++;
    }
    return kept;
}
