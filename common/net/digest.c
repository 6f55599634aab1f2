/* SPDX-License-Identifier: Apache-2.0 */
#include "net/digest.h"

#include <stdint.h>
#include <stdlib.h>

#include <openssl/evp.h>

/* Most digests are of less than this, and so one call of OpenSSL's, which costs more than the
 * bytes do. */
enum { GATHERED = 1024 };

struct digest {
    EVP_MD_CTX *md;
    bool ok;
    size_t used;
    char gathered[GATHERED];
};

/* Looked up once a process: that costs more than a digest. */
static const EVP_MD *sha256(void)
{
    static EVP_MD *found;

    if (!found)
        found = EVP_MD_fetch(NULL, "SHA256", NULL);
    return found;
}

struct digest *digest_new(void)
{
    struct digest *d = malloc(sizeof *d);

    if (!d)
        return NULL;
    d->used = 0;
    d->md = EVP_MD_CTX_new();
    d->ok = d->md && sha256() && EVP_DigestInit_ex(d->md, sha256(), NULL);
    return d;
}

static void flush(struct digest *d)
{
    d->ok = d->ok && EVP_DigestUpdate(d->md, d->gathered, d->used);
    d->used = 0;
}

static void add(struct digest *d, const void *at, size_t len)
{
    if (len > GATHERED - d->used)
        flush(d);
    if (len > GATHERED) {
        d->ok = d->ok && EVP_DigestUpdate(d->md, at, len);
        return;
    }
    if (len > 0)
        memcpy(d->gathered + d->used, at, len);
    d->used += len;
}

void digest_add(struct digest *d, struct span piece)
{
    uint64_t len = piece.len;

    if (!d)
        return;
    add(d, &len, sizeof len);
    add(d, piece.at, piece.len);
}

void digest_end(struct digest **at, char to[DIGEST_TEXT])
{
    static const char hex[] = "0123456789abcdef";
    struct digest *d = *at;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    to[0] = '\0';
    *at = NULL;
    if (!d)
        return;
    flush(d);
    if (d->ok && EVP_DigestFinal_ex(d->md, digest, &len) && 2 * len < DIGEST_TEXT) {
        for (unsigned i = 0; i < len; i++) {
            to[2 * i] = hex[digest[i] >> 4];
            to[2 * i + 1] = hex[digest[i] & 15];
        }
        to[2 * len] = '\0';
    }
    EVP_MD_CTX_free(d->md);
    free(d);
}
