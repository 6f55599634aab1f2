/* SPDX-License-Identifier: Apache-2.0 */
#include "t/lib/ca.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

static void need(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "ca: %s failed\n", what);
    exit(2);
}

static void extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);

    need(e && X509_add_ext(cert, e, -1), value);
    X509_EXTENSION_free(e);
}

static EVP_PKEY *make_key(const char *type)
{
    if (strcmp(type, "RSA") == 0)
        return EVP_RSA_gen(2048);
    if (strcmp(type, "ED25519") == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, type);
    return EVP_EC_gen(strcmp(type, "EC") == 0 ? "P-256" : type);
}

struct ca_cert ca_make(const struct ca_wish *w)
{
    static long serial = 1;
    int standard = w->from_days == 0 && w->to_days == 0;
    struct ca_cert c = {
        .cert = X509_new(),
        .key = make_key(w->type ? w->type : "EC"),
    };
    const struct ca_cert *issuer = w->issuer ? w->issuer : &c;
    X509_NAME *name = X509_get_subject_name(c.cert);

    need(c.cert && c.key, "a key");
    X509_set_version(c.cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c.cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(c.cert), 86400L * (standard ? -1 : w->from_days));
    X509_gmtime_adj(X509_getm_notAfter(c.cert), 86400L * (standard ? 30 : w->to_days));
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)w->subject, -1, -1,
                               0);
    X509_set_issuer_name(c.cert, w->issuer ? X509_get_subject_name(issuer->cert) : name);
    X509_set_pubkey(c.cert, c.key);
    extend(c.cert, issuer->cert, NID_basic_constraints, w->is_ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (w->names)
        extend(c.cert, issuer->cert, NID_subject_alt_name, w->names);
    if (w->use)
        extend(c.cert, issuer->cert, NID_ext_key_usage, w->use);
    need(X509_sign(c.cert, issuer->key, EVP_sha256()) > 0, "a signature");
    return c;
}

void ca_free(struct ca_cert *c)
{
    X509_free(c->cert);
    EVP_PKEY_free(c->key);
    *c = (struct ca_cert){NULL, NULL};
}

static char folder[64];

const char *ca_folder(void)
{
    if (!*folder) {
        (void)snprintf(folder, sizeof folder, "/tmp/sallyport-unit-XXXXXX");
        need(mkdtemp(folder) != NULL, "a folder");
    }
    return folder;
}

void ca_sweep(void)
{
    DIR *d = *folder ? opendir(folder) : NULL;
    struct dirent *e;

    while (d && (e = readdir(d)))
        if (e->d_name[0] != '.')
            (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
    if (*folder)
        (void)rmdir(folder);
    *folder = '\0';
}

static void write_key(FILE *to, const struct ca_cert *c, const char *password)
{
    need(PEM_write_PKCS8PrivateKey(to, c->key, password ? EVP_aes_256_cbc() : NULL, password,
                                   password ? (int)strlen(password) : 0, NULL, NULL),
         "writing a key");
}

static char *next_path(const char *name)
{
    static char paths[16][128];
    static unsigned turn;
    char *path = paths[turn++ % 16];

    (void)snprintf(path, sizeof paths[0], "%s/%s", ca_folder(), name);
    return path;
}

static FILE *open_new(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    FILE *to = fd < 0 ? NULL : fdopen(fd, "w");

    need(to != NULL, path);
    return to;
}

const char *ca_write(const char *name, const struct ca_cert *c, const struct ca_cert *issuer,
                     int parts, const char *password)
{
    const char *path = next_path(name);
    FILE *to = open_new(path);

    if (parts & CA_CHAIN_FIRST)
        need(PEM_write_X509(to, issuer->cert), "writing a certificate");
    if (parts & CA_CERT)
        need(PEM_write_X509(to, c->cert), "writing a certificate");
    if (parts & CA_ISSUER)
        need(PEM_write_X509(to, issuer->cert), "writing a certificate");
    if (parts & CA_KEY)
        write_key(to, c, password);
    need(fclose(to) == 0, path);
    return path;
}

static void put_revoked(X509_CRL *list, X509 *cert)
{
    X509_REVOKED *entry = X509_REVOKED_new();

    need(entry && X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(cert)) &&
             X509_REVOKED_set_revocationDate(entry, X509_getm_notBefore(cert)) &&
             X509_CRL_add0_revoked(list, entry),
         "a revocation");
}

const char *ca_crl(const char *name, const struct ca_cert *issuer, const struct ca_cert *revoked,
                   int from_days, int to_days)
{
    const char *path = next_path(name);
    FILE *to = open_new(path);
    X509_CRL *list = X509_CRL_new();
    ASN1_TIME *from = X509_gmtime_adj(NULL, 86400L * from_days),
              *until = X509_gmtime_adj(NULL, 86400L * to_days);

    need(list && from && until && X509_CRL_set_version(list, X509_CRL_VERSION_2) &&
             X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer->cert)) &&
             X509_CRL_set1_lastUpdate(list, from) && X509_CRL_set1_nextUpdate(list, until),
         "a revocation list");
    if (revoked)
        put_revoked(list, revoked->cert);
    need(X509_CRL_sort(list) && X509_CRL_sign(list, issuer->key, EVP_sha256()) > 0 &&
             PEM_write_X509_CRL(to, list),
         "a revocation list");
    need(fclose(to) == 0, path);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    X509_CRL_free(list);
    return path;
}

const char *ca_join(const char *name, const char *first, const char *second)
{
    const char *path = next_path(name);
    FILE *to = open_new(path);

    for (int i = 0; i < 2; i++) {
        FILE *from = fopen(i ? second : first, "r");

        need(from != NULL, i ? second : first);
        for (int c; (c = getc(from)) != EOF;)
            putc(c, to);
        (void)fclose(from);
    }
    need(fclose(to) == 0, path);
    return path;
}
