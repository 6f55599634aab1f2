/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "net/bio.h"

/* The master writes the next place and then says that it is the current one. A worker uses the
 * current one and the one before it, so what it reads is not written for two rotations. */
enum { PLACES = 4 };

struct key {
    unsigned char name[16], cipher[32], mac[32];
};

/* All of it is in memory that processes share. */
struct tickets {
    struct key at[PLACES];
    atomic_uint current; /* counts up; modulo PLACES it is the place */
    double made;         /* the master's alone */
};

static bool make_key(struct tickets *t, unsigned place)
{
    return RAND_priv_bytes((unsigned char *)&t->at[place % PLACES], sizeof(struct key)) == 1;
}

struct tickets *tickets_new(void)
{
    struct tickets *t =
        mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (t == MAP_FAILED)
        return NULL;
    (void)madvise(t, sizeof *t, MADV_DONTDUMP);
    t->made = clock_mono();
    /* The one before the first must be as hard to guess as any. */
    for (unsigned i = 0; i < PLACES; i++)
        if (!make_key(t, i)) {
            tickets_free(&t);
            break;
        }
    return t;
}

void tickets_free(struct tickets **t)
{
    if (*t) {
        OPENSSL_cleanse(*t, sizeof **t);
        (void)munmap(*t, sizeof **t);
    }
    *t = NULL;
}

void tickets_rotate(struct tickets *t)
{
    unsigned next = atomic_load_explicit(&t->current, memory_order_relaxed) + 1;

    if (make_key(t, next))
        atomic_store_explicit(&t->current, next, memory_order_release);
    t->made = clock_mono();
}

void tickets_rotate_if_old(struct tickets *t, double now_mono)
{
    if (now_mono - t->made >= TICKETS_AGE)
        tickets_rotate(t);
}

static bool set_keys(const struct key *key, const unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int sealing)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key->mac, sizeof key->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, sealing) == 1 &&
           EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* What OpenSSL wants to hear: -1 an error, 0 no such key, 1 take it, 2 take it and make the
 * client a new one. */
static int choose_key(SSL *s, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                      EVP_MAC_CTX *mac, int sealing)
{
    struct tickets *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(s));
    unsigned current = atomic_load_explicit(&t->current, memory_order_acquire);
    const struct key *key = &t->at[current % PLACES], *last = &t->at[(current - 1) % PLACES];

    if (sealing) {
        /* With TLS 1.3 it goes behind the handshake, and nobody waits for it: it may leave with
         * what is said next. */
        if (SSL_version(s) == TLS1_3_VERSION)
            bio_expect_more(SSL_get_rbio(s));
        memcpy(name, key->name, sizeof key->name);
        return RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 &&
                       set_keys(key, iv, cipher, mac, 1)
                   ? 1
                   : -1;
    }
    if (memcmp(name, key->name, sizeof key->name) == 0)
        return set_keys(key, iv, cipher, mac, 0) ? 1 : -1;
    if (memcmp(name, last->name, sizeof last->name) == 0)
        return set_keys(last, iv, cipher, mac, 0) ? 2 : -1;
    return 0;
}

void tickets_use(struct tickets *t, SSL_CTX *ctx)
{
    SSL_CTX_set_app_data(ctx, t);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, choose_key);
    SSL_CTX_set_timeout(ctx, TICKETS_AGE);
    SSL_CTX_set_num_tickets(ctx, 1); /* mail clients seldom come twice at a time */
}
