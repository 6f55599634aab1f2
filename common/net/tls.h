/* SPDX-License-Identifier: Apache-2.0
 *
 * tls - how TLS is spoken: contexts for the side that is called and the side that calls.
 *
 * A context is made once, by the master where it holds a private key, and is shared by all
 * sessions that it fits; workers inherit it. TLS 1.2 and 1.3 unless told otherwise, no
 * compression, no renegotiation, no early data.
 */
#pragma once

#include <stddef.h>

#include "base/option.h"
#include "base/span.h"
#include "rule/facts.h"

struct tls;
struct tickets;

struct tls_server_conf {
    struct cert_files certs;     /* at least one; SNI chooses among them by their names, the
                                    first is for clients that name none of them. Certificates
                                    of the same names and other key types stand side by side */
    const char *ciphers;         /* OpenSSL's list for TLS 1.2 and below; "" for the default */
    const char *ciphersuites;    /* of TLS 1.3; "" for the default */
    enum tls_protocol least;     /* below TLS 1.2: at security level 0, where alone it works */
    const char *ca_file;         /* "" or the CAs that client certificates come from: these are
                                    asked for then, and the result is in tls_facts.verify */
    struct span session_context; /* what resumption is bound to besides certificates and CAs:
                                    listener and rule */
};

struct tls_client_conf {
    struct cert_file cert; /* file "" for none */
    const char *ca_file;   /* "" for the system's CAs */
    const char *ciphers, *ciphersuites;
    enum tls_protocol least;
    int security_level; /* -1 for OpenSSL's default; 0 where any TLS beats none */
};

/* NULL with one line in `why`: file, what is wrong, the remedy. `tickets` may be NULL (no
 * resumption), and must live as long. The conf is not kept. */
struct tls *tls_server_new(const struct tls_server_conf *conf, struct tickets *tickets, char *why,
                           size_t size);
struct tls *tls_client_new(const struct tls_client_conf *conf, char *why, size_t size);
void tls_free(struct tls **t);

/* Keys of session tickets, in memory that master and workers share; made before fork, and
 * kept over reloads. NULL: no memory. */
struct tickets *tickets_new(void);
void tickets_free(struct tickets **t);

/* The master's: a new key from now on; the last one still opens tickets, the one before it no
 * more. The second does so if the key is older than TICKETS_AGE: call it every minute. */
enum { TICKETS_AGE = 3600 };
void tickets_rotate(struct tickets *t);
void tickets_rotate_if_old(struct tickets *t, double now_mono);

/* For this room: a TLS session that is called or calls, not yet on a socket; and how tickets
 * get into a context. */
struct ssl_st;
struct ssl_ctx_st;
struct ssl_st *tls_begin(struct tls *t);
void tickets_use(struct tickets *t, struct ssl_ctx_st *ctx);
