/* SPDX-License-Identifier: Apache-2.0 */
#include "net/head.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>

/* Of the protocol's text, proxy-protocol.txt, 2.2. */
enum { FIXED = 16, COMMAND_PROXY = 0x21, TCP4 = 0x11, TCP6 = 0x21 };
enum { SSL_VERSION = 0x21, SSL_CN = 0x22, SSL_CIPHER = 0x23 };
enum { SSL_SIG_ALG = 0x24, SSL_KEY_ALG = 0x25, SSL_GROUP = 0x26 };
enum { CLIENT_SSL = 1, CLIENT_CERT_CONN = 2, CLIENT_CERT_SESS = 4 };

struct head {
    char at[HEAD_MAX];
    size_t len;
};

static bool both_v4(const struct addr *a, const struct addr *b)
{
    return addr_is_v4(a) && addr_is_v4(b);
}

bool head_make_v1(struct buf *to, const struct addr *client, const struct addr *server)
{
    bool v4 = both_v4(client, server);
    char from[INET6_ADDRSTRLEN], at[INET6_ADDRSTRLEN];
    int family = v4 ? AF_INET : AF_INET6;
    size_t skip = v4 ? 12 : 0;

    if (!inet_ntop(family, client->ip + skip, from, sizeof from) ||
        !inet_ntop(family, server->ip + skip, at, sizeof at))
        return false;
    return buf_addf(to, "PROXY TCP%d %s %s %u %u\r\n", v4 ? 4 : 6, from, at, (unsigned)client->port,
                    (unsigned)server->port);
}

static bool fits(const struct head *h, size_t count)
{
    return count <= sizeof h->at - h->len;
}

static void put(struct head *h, const void *bytes, size_t count)
{
    memcpy(h->at + h->len, bytes, count);
    h->len += count;
}

static void put_16(struct head *h, size_t at, size_t number)
{
    uint16_t n = htons((uint16_t)number);

    memcpy(h->at + at, &n, sizeof n);
}

/* Whole, or not at all; nothing for nothing. */
static void put_tlv(struct head *h, int type, struct span value)
{
    if (value.len == 0 || !fits(h, 3 + value.len))
        return;
    h->at[h->len] = (char)type;
    put_16(h, h->len + 1, value.len);
    h->len += 3;
    put(h, value.at, value.len);
}

/* One character of a value as RFC 4514, 2.4 writes it; `from` goes past it. -1: none there. */
static int unescape(struct span *from)
{
    if (from->len == 0 || (from->at[0] == '\\' && from->len == 1))
        return -1;
    if (from->at[0] != '\\') {
        char plain = from->at[0];

        *from = span_after(*from, 1);
        return (unsigned char)plain;
    }
    if (from->len >= 3 && isxdigit((unsigned char)from->at[1]) &&
        isxdigit((unsigned char)from->at[2])) {
        const char hex[] = {from->at[1], from->at[2], '\0'};

        *from = span_after(*from, 3);
        return (int)strtoul(hex, NULL, 16);
    }
    char quoted = from->at[1];

    *from = span_after(*from, 2);
    return (unsigned char)quoted;
}

/* The first common name of `subject`: the most specific one. A value may hold "CN=" too; it
 * is then behind a backslash or no separator, so it is walked over. How long; 0: none, or none
 * that could be told from a part of one. */
static size_t find_common_name(const struct tls_facts *tls, char to[sizeof tls->peer_subject])
{
    struct span rest = span_of(tls->peer_subject);
    bool was_cut = rest.len + 1 >= sizeof tls->peer_subject;

    while (rest.len) {
        bool is_name = span_starts_nocase(rest, "CN=");
        size_t len = 0;

        if (is_name)
            rest = span_after(rest, 3);
        while (rest.len && rest.at[0] != ',' && rest.at[0] != '+') {
            int c = unescape(&rest);

            if (c < 0)
                return 0;
            is_name = is_name && c >= ' ' && c != 0x7f;
            to[len++] = (char)c;
        }
        if (is_name)
            return rest.len == 0 && was_cut ? 0 : len;
        if (rest.len)
            rest = span_after(rest, 1);
    }
    return 0;
}

static void put_ssl(struct head *h, const struct tls_facts *tls)
{
    bool has_cert = *tls->peer_fingerprint, verified = span_is(span_of(tls->verify), "ok");
    char client = CLIENT_SSL, name[sizeof tls->peer_subject];
    size_t begin = h->len;

    if (!fits(h, 8))
        return;
    if (has_cert)
        client = (char)(client | CLIENT_CERT_SESS | (tls->resumed ? 0 : CLIENT_CERT_CONN));
    h->at[h->len] = HEAD_SSL;
    h->len += 3;
    put(h, &client, 1);
    put(h, has_cert && verified ? "\0\0\0\0" : "\0\0\0\1", 4);
    put_tlv(h, SSL_VERSION, span_of(tls->protocol));
    put_tlv(h, SSL_CIPHER, span_of(tls->cipher));
    put_tlv(h, SSL_SIG_ALG, span_of(tls->sig_alg));
    put_tlv(h, SSL_KEY_ALG, span_of(tls->key_alg));
    put_tlv(h, SSL_GROUP, span_of(tls->group));
    if (has_cert && verified)
        put_tlv(h, SSL_CN, (struct span){name, find_common_name(tls, name)});
    put_16(h, begin + 1, h->len - begin - 3);
}

/* Bits of the types that were said. */
struct types {
    uint64_t said[4];
};

/* False: it was there before. */
static bool is_first(struct types *t, unsigned type)
{
    uint64_t bit = UINT64_C(1) << (type & 63), *word = &t->said[type >> 6 & 3];
    bool first = !(*word & bit);

    *word |= bit;
    return first;
}

/* A sum would no longer be right, and padding is nobody's. */
static void pass_on(struct head *h, struct span tlvs, struct types *t)
{
    struct head_tlv tlv;

    (void)is_first(t, HEAD_CRC32C);
    (void)is_first(t, HEAD_NOOP);
    while (head_tlv_next(&tlvs, &tlv))
        if (is_first(t, tlv.type))
            put_tlv(h, (int)tlv.type, tlv.value);
}

static bool has_type(struct span tlvs, unsigned type)
{
    struct head_tlv tlv;

    while (head_tlv_next(&tlvs, &tlv))
        if (tlv.type == type && tlv.value.len > 0)
            return true;
    return false;
}

/* What is ours comes first, for not all may fit. */
static void put_tlvs(struct head *h, const struct tls_facts *tls, struct span session_id,
                     struct span tlvs)
{
    struct types t = {{0}};

    if (!has_type(tlvs, HEAD_UNIQUE_ID))
        put_tlv(h, HEAD_UNIQUE_ID, session_id);
    if (tls && !has_type(tlvs, HEAD_AUTHORITY))
        put_tlv(h, HEAD_AUTHORITY, span_of(tls->sni));
    if (tls && is_first(&t, HEAD_SSL))
        put_ssl(h, tls);
    pass_on(h, tlvs, &t);
}

bool head_make_v2(struct buf *to, const struct addr *client, const struct addr *server,
                  const struct tls_facts *tls, struct span session_id, struct span tlvs)
{
    bool v4 = both_v4(client, server);
    size_t skip = v4 ? 12 : 0;
    struct head h = {.len = 0};

    put(&h, "\r\n\r\n\0\r\nQUIT\n", 12);
    h.at[h.len++] = COMMAND_PROXY;
    h.at[h.len++] = v4 ? TCP4 : TCP6;
    h.len = FIXED;
    put(&h, client->ip + skip, sizeof client->ip - skip);
    put(&h, server->ip + skip, sizeof server->ip - skip);
    put_16(&h, h.len, client->port);
    put_16(&h, h.len + 2, server->port);
    h.len += 4;
    put_tlvs(&h, tls, session_id, tlvs);
    put_16(&h, FIXED - 2, h.len - FIXED);
    return buf_add(to, (struct span){h.at, h.len});
}

bool head_make_local(struct buf *to)
{
    static const char local[FIXED] = "\r\n\r\n\0\r\nQUIT\n\x20";

    return buf_add(to, (struct span){local, sizeof local});
}
