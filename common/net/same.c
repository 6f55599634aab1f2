/* SPDX-License-Identifier: Apache-2.0
 *
 * same - do two configurations of TLS want the same context? The part of tls.h that must know each
 * of their fields: where one is added, the sizes below no longer fit.
 */
#include "net/tls.h"

#include <string.h>

_Static_assert(sizeof(struct tls_server_conf) ==
                   sizeof(struct cert_files) + 5 * sizeof(const char *) + sizeof(struct texts) +
                       16 /* least, verify_depth and offload */ + sizeof(struct span),
               "compare the new field in tls_server_is_same()");
_Static_assert(sizeof(struct tls_client_conf) == sizeof(struct cert_file) +
                                                     3 * sizeof(const char *) +
                                                     16 /* least, level, offload */,
               "compare the new field in tls_client_is_same()");

/* NULL is as good as "". */
static bool same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool certs_are_same(const struct cert_files *a, const struct cert_files *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!same(a->at[i].file, b->at[i].file) || !same(a->at[i].password, b->at[i].password))
            return false;
    return true;
}

static bool texts_are_same(const struct texts *a, const struct texts *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!same(a->at[i], b->at[i]))
            return false;
    return true;
}

bool tls_server_is_same(const struct tls_server_conf *a, const struct tls_server_conf *b)
{
    return certs_are_same(&a->certs, &b->certs) && same(a->ciphers, b->ciphers) &&
           same(a->ciphersuites, b->ciphersuites) && same(a->groups, b->groups) &&
           a->least == b->least && same(a->ca_file, b->ca_file) && same(a->crl_file, b->crl_file) &&
           a->verify_depth == b->verify_depth && texts_are_same(&a->ocsp_files, &b->ocsp_files) &&
           a->offload == b->offload && span_same(a->session_context, b->session_context);
}

bool tls_client_is_same(const struct tls_client_conf *a, const struct tls_client_conf *b)
{
    return same(a->cert.file, b->cert.file) && same(a->cert.password, b->cert.password) &&
           same(a->ca_file, b->ca_file) && same(a->ciphers, b->ciphers) &&
           same(a->ciphersuites, b->ciphersuites) && a->least == b->least &&
           a->security_level == b->security_level && a->offload == b->offload;
}

static uint32_t add_text(uint32_t hash, const char *text)
{
    for (; text && *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u; /* FNV-1a */
    return (hash ^ 256) * 16777619u;
}

uint32_t tls_client_hash(const struct tls_client_conf *conf)
{
    uint32_t hash = 2166136261u ^ (uint32_t)conf->least << 8 ^ (uint32_t)conf->security_level;

    hash = add_text(add_text(hash, conf->cert.file), conf->cert.password);
    return add_text(add_text(hash, conf->ca_file), conf->ciphers);
}
