/* SPDX-License-Identifier: Apache-2.0
 *
 * tls - how TLS is spoken: contexts for the side that is called and the side that calls.
 *
 * A context is made once, by the master where it holds a private key, and is shared by all
 * sessions that it fits; workers inherit it. TLS 1.2 and 1.3 unless told otherwise, no
 * compression, no renegotiation, no early data. A client that names protocols (ALPN) and none of
 * them is SMTP is refused.
 */
#pragma once

#include <stddef.h>

#include "base/dated.h"
#include "base/option.h"
#include "base/span.h"
#include "rule/facts.h"

/* Bytes of data that a TLS record holds at most (RFC 8446, 5.1); how many of such are read with one
 * system call; and how many records, most of which are smaller, one conn_read() gives. */
enum { TLS_RECORD = 16384, TLS_AHEAD = 4, TLS_TOGETHER = 16 };

struct tls;
struct tickets;

struct tls_server_conf {
    struct cert_files certs;     /* at least one; SNI chooses among them by their names, the
                                    first is for clients that name none of them. Certificates
                                    of the same names and other key types stand side by side */
    const char *ciphers;         /* OpenSSL's list for TLS 1.2 and below; "" for the default */
    const char *ciphersuites;    /* of TLS 1.3; "" for the default */
    const char *groups;          /* for the key exchange; "" for the default */
    struct texts ocsp_files;     /* see staple.h */
    enum tls_protocol least;     /* below TLS 1.2: at security level 0, where alone it works */
    const char *ca_file;         /* "" or the CAs that client certificates come from */
    const char *crl_file;        /* "" or NULL, or their revocation lists; others in ca_file */
    unsigned verify_depth;       /* CAs between a client's certificate and one of ca_file */
    bool offload;                /* what is sent is encrypted by the kernel, if it can: ktls.h */
    struct span session_context; /* what resumption is bound to besides certificates, CAs and
                                    revocation lists */
};

/* What is up to one session. */
struct tls_asks {
    bool certificate;  /* ask the client for one; what it is worth is in tls_facts.verify */
    struct span binds; /* what resumption is bound to as well: listener and rule */
};

struct tls_client_conf {
    struct cert_file cert; /* file "" for none */
    const char *ca_file;   /* "" for the system's CAs */
    const char *ciphers, *ciphersuites;
    enum tls_protocol least;
    int security_level; /* -1 for OpenSSL's default; 0 where any TLS beats none */
    bool offload;       /* as above */
};

/* NULL with one line in `why`: "FILE: what is wrong; the remedy", or without a file where it is
 * about none. Texts of a conf may be NULL where they may be "". `tickets` may be NULL (no
 * resumption), and must live as long. The conf is not kept. */
struct tls *tls_server_new(const struct tls_server_conf *conf, struct tickets *tickets, char *why,
                           size_t size);
struct tls *tls_client_new(const struct tls_client_conf *conf, char *why, size_t size);

/* The same, with the CAs of `others` (NULL: reads them), whose ca_file must be the same. They
 * are held for both. */
struct tls *tls_client_beside(const struct tls_client_conf *conf, const struct tls *others,
                              char *why, size_t size);
void tls_free(struct tls **t);

/* Would both be the same context? */
bool tls_server_is_same(const struct tls_server_conf *a, const struct tls_server_conf *b);
bool tls_client_is_same(const struct tls_client_conf *a, const struct tls_client_conf *b);

/* Equal for those that are the same, for tables of them. */
uint32_t tls_client_hash(const struct tls_client_conf *conf);

/* Shows our certificates, OCSP responses and revocation lists, and until when they are good. */
void tls_show(const struct tls *t, dated_fn *show, void *arg);

/* Keys of session tickets, in memory that master and workers share; made before fork, and
 * kept over reloads. NULL: no memory. */
struct tickets *tickets_new(void);
void tickets_free(struct tickets **t);

/* The master's: a new key from now on; the last one still opens tickets, the one before it no
 * more. The second does so if the key is older than TICKETS_AGE: call it every minute. */
enum { TICKETS_AGE = 3600 };
void tickets_rotate(struct tickets *t);
void tickets_rotate_if_old(struct tickets *t, double now_mono);

/* For this room: a TLS session that is called or calls, not yet on a socket; and what goes
 * into a context. */
struct ssl_st;
struct ssl_ctx_st;
struct ssl_st *tls_begin(struct tls *t);
MUST bool tls_ask(const struct tls *t, struct ssl_st *s, const struct tls_asks *asks);
void tickets_use(struct tickets *t, struct ssl_ctx_st *ctx);
void alpn_use(struct ssl_ctx_st *ctx);
