/* SPDX-License-Identifier: Apache-2.0 */
#include "net/digest.h"

#include <stdint.h>
#include <stdlib.h>

#include <openssl/rand.h>

#include "base/siphash.h"

enum { GATHERED = 1024 };

struct digest {
    size_t used, most; /* most: that it ever was */
    char gathered[GATHERED];
};

/* Nobody may guess them: then nobody can look for two that have the same digest. */
static const uint64_t *keys(void)
{
    static uint64_t secret[4];
    static bool made;

    made = made || RAND_bytes((unsigned char *)secret, sizeof secret) == 1;
    return made ? secret : NULL;
}

struct digest *digest_new(void)
{
    struct digest *d = keys() ? malloc(sizeof *d) : NULL;

    if (d)
        d->used = d->most = 0;
    return d;
}

static void fold(const struct digest *d, uint64_t to[2])
{
    struct span all = {d->gathered, d->used};

    to[0] = siphash(keys(), all);
    to[1] = siphash(keys() + 2, all);
}

/* What there is no room for stands behind the digest of what is before it. */
static void flush(struct digest *d)
{
    uint64_t both[2];

    fold(d, both);
    memcpy(d->gathered, both, sizeof both);
    d->most = d->used;
    d->used = sizeof both;
}

static void add(struct digest *d, const void *at, size_t len)
{
    while (len > 0) {
        size_t room = GATHERED - d->used, fits = len < room ? len : room;

        memcpy(d->gathered + d->used, at, fits);
        d->used += fits;
        at = (const char *)at + fits;
        len -= fits;
        if (d->used == GATHERED)
            flush(d);
    }
}

void digest_add(struct digest *d, struct span piece)
{
    uint32_t len = (uint32_t)piece.len;

    if (!d)
        return;
    add(d, &len, sizeof len);
    add(d, piece.at, piece.len);
}

void digest_end(struct digest **at, char to[DIGEST_TEXT])
{
    static const char hex[] = "0123456789abcdef";
    struct digest *d = *at;
    uint64_t both[2];

    to[0] = '\0';
    *at = NULL;
    if (!d)
        return;
    fold(d, both);
    for (unsigned i = 0; i + 1 < DIGEST_TEXT; i++)
        to[i] = hex[both[i / 16] >> (4 * (i % 16)) & 15];
    to[DIGEST_TEXT - 1] = '\0';
    /* Passwords are among the pieces. */
    OPENSSL_cleanse(d->gathered, d->used > d->most ? d->used : d->most);
    free(d);
}
