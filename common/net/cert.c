/* SPDX-License-Identifier: Apache-2.0 */
#include "net/cert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/text.h"

/* No chain of certificates comes near; it keeps a wrong path from eating memory. */
enum { FILE_MOST = 1 << 20 };

static bool wrong(char *why, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static bool wrong(char *why, size_t size, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(why, size, fmt, ap);
    va_end(ap);
    return false;
}

/* Whether this descriptor is a file that we want secrets from; its size is known then. */
static bool check_file(int fd, const char *file, size_t *len, char *why, size_t size)
{
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0)
        return wrong(why, size, "%s: %s", file, strerror(errno));
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_MOST)
        return wrong(why, size, "%s: not a PEM file", file);
    if (st.st_mode & 07)
        return wrong(why, size, "%s: others can read this private key; chmod o-rwx %s", file, file);
    *len = (size_t)st.st_size;
    return true;
}

static bool read_whole(int fd, char *to, size_t *len)
{
    size_t have = 0;

    while (have < *len) {
        ssize_t n = read(fd, to + have, *len - have);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    *len = have;
    return true;
}

/* The file's bytes; the caller wipes and frees them. */
static char *read_file(const char *file, size_t *len, char *why, size_t size)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *bytes = NULL;

    if (check_file(fd, file, len, why, size)) {
        bytes = malloc(*len + 1);
        if (!bytes || !read_whole(fd, bytes, len)) {
            (void)wrong(why, size, "%s: %s", file, strerror(errno));
            free(bytes);
            bytes = NULL;
        }
    }
    if (fd >= 0)
        close(fd);
    return bytes;
}

struct asked {
    const char *password;
    bool was_asked;
};

static int give_password(char *to, int size, int writing, void *arg)
{
    struct asked *a = arg;
    size_t len = strlen(a->password);

    (void)writing;
    a->was_asked = true;
    if (len == 0 || len > (size_t)size)
        return -1;
    memcpy(to, a->password, len);
    return (int)len;
}

static bool read_key(struct cert *c, const struct cert_file *from, BIO *pem, char *why, size_t size)
{
    struct asked a = {.password = from->password ? from->password : ""};

    c->key = PEM_read_bio_PrivateKey(pem, NULL, give_password, &a);
    if (c->key)
        return true;
    if (a.was_asked && !*a.password)
        return wrong(why, size, "%s: the private key is encrypted; give its password", from->file);
    if (a.was_asked)
        return wrong(why, size, "%s: wrong password for the private key", from->file);
    return wrong(why, size, "%s: no private key in it; put key and certificates into one PEM file",
                 from->file);
}

/* All certificates of the file. The key's own becomes the leaf, wherever it stands. */
static bool read_chain(struct cert *c, const char *file, BIO *pem, char *why, size_t size)
{
    X509 *x;

    c->chain = sk_X509_new_null();
    while (c->chain && (x = PEM_read_bio_X509(pem, NULL, NULL, NULL))) {
        if (!c->leaf && X509_check_private_key(x, c->key) == 1) {
            c->leaf = x;
        } else if (!sk_X509_push(c->chain, x)) {
            X509_free(x);
            return wrong(why, size, "%s: out of memory", file);
        }
    }
    unsigned long error = ERR_peek_last_error();

    if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE)
        return wrong(why, size, "%s: a certificate in it is damaged", file);
    if (c->leaf)
        return true;
    if (sk_X509_num(c->chain) == 0)
        return wrong(why, size,
                     "%s: no certificate in it; put key and certificates into one PEM file", file);
    return wrong(why, size, "%s: the key does not belong to any certificate in it", file);
}

bool cert_read(struct cert *c, const struct cert_file *from, char *why, size_t size)
{
    size_t len = 0;
    char *bytes = read_file(from->file, &len, why, size);
    BIO *pem = bytes ? BIO_new_mem_buf(bytes, (int)len) : NULL;
    bool ok = false;

    *c = (struct cert){.leaf = NULL};
    ERR_clear_error();
    if (pem && read_key(c, from, pem, why, size)) {
        ERR_clear_error();
        (void)BIO_reset(pem);
        ok = read_chain(c, from->file, pem, why, size);
    } else if (bytes && !pem) {
        (void)wrong(why, size, "%s: out of memory", from->file);
    }
    ERR_clear_error();
    BIO_free(pem);
    if (bytes)
        OPENSSL_cleanse(bytes, len);
    free(bytes);
    if (!ok)
        cert_clear(c);
    return ok;
}

void cert_clear(struct cert *c)
{
    X509_free(c->leaf);
    sk_X509_pop_free(c->chain, X509_free);
    EVP_PKEY_free(c->key);
    *c = (struct cert){.leaf = NULL};
}

bool cert_use(const struct cert *c, SSL_CTX *ctx)
{
    return SSL_CTX_use_cert_and_key(ctx, c->leaf, c->key, c->chain, 1) == 1;
}

bool cert_is_for(const struct cert *c, const char *name)
{
    size_t len = strlen(name);

    /* The root's dot has no place in SNI (RFC 6066, 3), and is sent. */
    if (len > 1 && name[len - 1] == '.')
        len--;
    return len > 0 && *name != '.' &&
           X509_check_host(c->leaf, name, len, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

/* Has every dNSName of `a` its like in `b`? */
static bool has_all(GENERAL_NAMES *a, GENERAL_NAMES *b)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(a); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(a, i);
        bool found = name->type != GEN_DNS;

        for (int k = 0; !found && k < sk_GENERAL_NAME_num(b); k++) {
            const GENERAL_NAME *other = sk_GENERAL_NAME_value(b, k);

            found = other->type == GEN_DNS &&
                    ASN1_STRING_length(other->d.dNSName) == ASN1_STRING_length(name->d.dNSName) &&
                    strncasecmp((const char *)ASN1_STRING_get0_data(other->d.dNSName),
                                (const char *)ASN1_STRING_get0_data(name->d.dNSName),
                                (size_t)ASN1_STRING_length(name->d.dNSName)) == 0;
        }
        if (!found)
            return false;
    }
    return true;
}

bool cert_is_alike(const struct cert *a, const struct cert *b)
{
    GENERAL_NAMES *of_a = X509_get_ext_d2i(a->leaf, NID_subject_alt_name, NULL, NULL);
    GENERAL_NAMES *of_b = X509_get_ext_d2i(b->leaf, NID_subject_alt_name, NULL, NULL);
    bool alike = of_a && of_b ? has_all(of_a, of_b) && has_all(of_b, of_a)
                              : !of_a && !of_b &&
                                    X509_NAME_cmp(X509_get_subject_name(a->leaf),
                                                  X509_get_subject_name(b->leaf)) == 0;

    GENERAL_NAMES_free(of_a);
    GENERAL_NAMES_free(of_b);
    return alike;
}

static size_t add_name(char *to, size_t used, const ASN1_STRING *name)
{
    char clean[CERT_NAMES];
    int n;

    text_clean(
        clean, sizeof clean,
        (struct span){(const char *)ASN1_STRING_get0_data(name), (size_t)ASN1_STRING_length(name)});
    n = snprintf(to + used, CERT_NAMES - used, "%s%s", used ? "," : "", clean);
    return n > 0 && (size_t)n < CERT_NAMES - used ? used + (size_t)n : CERT_NAMES - 1;
}

void cert_names(const struct cert *c, char to[CERT_NAMES])
{
    GENERAL_NAMES *names = X509_get_ext_d2i(c->leaf, NID_subject_alt_name, NULL, NULL);
    const X509_NAME *subject = X509_get_subject_name(c->leaf);
    int common = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    size_t used = 0;

    *to = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        if (sk_GENERAL_NAME_value(names, i)->type == GEN_DNS)
            used = add_name(to, used, sk_GENERAL_NAME_value(names, i)->d.dNSName);
    if (used == 0 && common >= 0)
        (void)add_name(to, 0, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, common)));
    GENERAL_NAMES_free(names);
}

time_t cert_time(const ASN1_TIME *at)
{
    struct tm tm;

    return ASN1_TIME_to_tm(at, &tm) ? timegm(&tm) : 0;
}

time_t cert_until(const struct cert *c)
{
    return cert_time(X509_get0_notAfter(c->leaf));
}

time_t cert_from(const struct cert *c)
{
    return cert_time(X509_get0_notBefore(c->leaf));
}
