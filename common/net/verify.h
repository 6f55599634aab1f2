/* SPDX-License-Identifier: Apache-2.0
 *
 * verify - what a client's certificate is worth.
 *
 * Who is asked for one is decided session by session. Whatever comes of it, the handshake goes
 * on: the result is a fact with a word of its own, and whoever owns the session judges. A session
 * with a certificate is resumed only where all of its chain verified, and no longer than all of
 * that and the revocation lists hold; else there is a full handshake, and a new look.
 *
 * Every certificate of the CA file is trusted, be it a root or not; it needs no revocation list
 * for itself: who wants it gone takes it out of the file. All below it need one, once there is any.
 */
#pragma once

#include "base/dated.h"
#include "base/span.h"

struct ssl_st;
struct ssl_ctx_st;
struct evp_md_ctx_st;
struct x509_st;

struct verify_conf {
    const char *ca_file;  /* "" or NULL: nothing verifies, but dates are looked at */
    const char *crl_file; /* "" or NULL: those in the CA file, if any */
    unsigned depth;       /* CAs between a client's certificate and one of ca_file */
};

struct verify;

/* NULL with one line in `why`: the file, what is wrong, the remedy. */
struct verify *verify_new(const struct verify_conf *conf, char *why, size_t size);
void verify_free(struct verify **v);

/* Shows until when all revocation lists hold, if there are any. */
void verify_show(const struct verify *v, dated_fn *show, void *arg);

/* Gives a server's context all of that; nobody is asked yet. `v` must live as long. */
MUST bool verify_use(struct verify *v, struct ssl_ctx_st *ctx);

/* Adds to a digest what resumption must be bound to: the CAs and revocation lists themselves, since
 * others may have the same names. */
MUST bool verify_digest(const struct verify *v, struct evp_md_ctx_st *md);

/* From now on this session asks for a certificate. Before its handshake. */
void verify_ask(struct ssl_st *s);

/* The word of one of OpenSSL's results (X509_V_...): "ok", "expired" ... */
const char *verify_word(long result);

/* What may be known of dates alone: X509_V_OK, or that it is no longer or not yet good. */
long verify_dates(const struct x509_st *cert);
