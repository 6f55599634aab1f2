/* SPDX-License-Identifier: Apache-2.0 */
#include "net/digest.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

struct digest {
    EVP_MD_CTX *md;
    bool ok;
};

struct digest *digest_new(void)
{
    struct digest *d = calloc(1, sizeof *d);

    if (!d)
        return NULL;
    d->md = EVP_MD_CTX_new();
    d->ok = d->md && EVP_DigestInit_ex(d->md, EVP_sha256(), NULL);
    return d;
}

void digest_add(struct digest *d, struct span piece)
{
    uint64_t len = piece.len;

    if (d)
        d->ok = d->ok && EVP_DigestUpdate(d->md, &len, sizeof len) &&
                EVP_DigestUpdate(d->md, piece.at, piece.len);
}

void digest_end(struct digest **at, char to[DIGEST_TEXT])
{
    struct digest *d = *at;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    to[0] = '\0';
    *at = NULL;
    if (!d)
        return;
    if (d->ok && EVP_DigestFinal_ex(d->md, digest, &len))
        for (unsigned i = 0; i < len; i++)
            (void)snprintf(to + (size_t)2 * i, 3, "%02x", digest[i]);
    EVP_MD_CTX_free(d->md);
    free(d);
}
