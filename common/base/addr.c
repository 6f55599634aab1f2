/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/text.h"

static const uint8_t v4_lead[12] = {[10] = 0xff, [11] = 0xff};

static void map_v4(const void *four, uint8_t to[16])
{
    memcpy(to, v4_lead, sizeof v4_lead);
    memcpy(to + sizeof v4_lead, four, 4);
}

/* For functions that want a NUL; a text that does not fit is no address. */
static bool terminate(struct span text, char to[ADDR_TEXT])
{
    if (text.len == 0 || text.len >= ADDR_TEXT || memchr(text.at, '\0', text.len))
        return false;
    text_copy(to, ADDR_TEXT, text);
    return true;
}

bool addr_read(struct span text, struct addr *out)
{
    char copy[ADDR_TEXT];
    struct in_addr four;

    *out = (struct addr){0};
    if (!terminate(text, copy))
        return false;
    if (inet_pton(AF_INET, copy, &four) != 1)
        return inet_pton(AF_INET6, copy, out->ip) == 1;
    map_v4(&four, out->ip);
    return true;
}

bool addr_read_port(struct span text, struct addr *out)
{
    bool bracketed = text.len > 0 && text.at[0] == '[';
    struct span rest = bracketed ? span_after(text, 1) : text;
    struct span ip = span_cut(&rest, bracketed ? ']' : ':');
    unsigned long port;

    if (bracketed && (rest.len == 0 || *rest.at != ':' || !memchr(ip.at, ':', ip.len)))
        return false;
    if (bracketed)
        rest = span_after(rest, 1);
    if (!addr_read(ip, out) || !text_number(rest, UINT16_MAX, &port) || port == 0)
        return false;
    out->port = (uint16_t)port;
    return true;
}

bool addr_is_v4(const struct addr *a)
{
    return memcmp(a->ip, v4_lead, sizeof v4_lead) == 0;
}

/* As inet_ntop() does it, which prints with a format. */
static const char *v4_text(const uint8_t *ip, char to[ADDR_TEXT])
{
    char *at = to;

    for (size_t i = 0; i < 4; i++) {
        at += text_decimal(at, ip[i]);
        *at++ = '.';
    }
    at[-1] = '\0';
    return to;
}

const char *addr_text(const struct addr *a, char to[ADDR_TEXT])
{
    if (addr_is_v4(a))
        return v4_text(a->ip + sizeof v4_lead, to);
    return inet_ntop(AF_INET6, a->ip, to, ADDR_TEXT);
}

const char *addr_port_text(const struct addr *a, char to[ADDR_TEXT])
{
    char ip[ADDR_TEXT];
    bool four = addr_is_v4(a);

    addr_text(a, ip);
    snprintf(to, ADDR_TEXT, "%s%.45s%s:%u", four ? "" : "[", ip, four ? "" : "]", a->port);
    return to;
}

bool addr_is_same(const struct addr *a, const struct addr *b)
{
    return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

/* Are the first `bits` of `a` and `b` the same? */
static bool starts_alike(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

bool network_has(const struct network *n, const struct addr *a)
{
    return starts_alike(n->ip, a->ip, n->bits);
}

struct range {
    uint8_t ip[16], bits;
};

#define V4(a, b, c, d, size)                                                          \
    {                                                                                 \
        {[10] = 0xff, [11] = 0xff, [12] = a, [13] = b, [14] = c, [15] = d}, 96 + size \
    }

/* RFC 6890 and the registries it made: not globally reachable, or no host's address. */
/* clang-format off */
static const struct range loopback[] = {V4(127, 0, 0, 0, 8), {{[15] = 1}, 128}};
static const struct range private[] = {
    V4(0, 0, 0, 0, 8),      V4(10, 0, 0, 0, 8),     V4(100, 64, 0, 0, 10), V4(127, 0, 0, 0, 8),
    V4(169, 254, 0, 0, 16), V4(172, 16, 0, 0, 12),  V4(192, 0, 0, 0, 24),  V4(192, 0, 2, 0, 24),
    V4(192, 168, 0, 0, 16), V4(198, 18, 0, 0, 15),  V4(198, 51, 100, 0, 24),
    V4(203, 0, 113, 0, 24), V4(224, 0, 0, 0, 4),    V4(240, 0, 0, 0, 4),
    {{0}, 96},                                      /* ::, ::1 and the old ::a.b.c.d */
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48},     /* NAT64, local use */
    {{0x01}, 64},                                   /* discard */
    {{0x20, 0x01}, 23},                             /* IETF: Teredo, benchmarks, ORCHID */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},                 /* documentation */
    {{0x3f, 0xff}, 20},                             /* documentation */
    {{0xfc}, 7},                                    /* unique local */
    {{0xfe, 0x80}, 10},                             /* link-local */
    {{0xfe, 0xc0}, 10},                             /* once site-local */
    {{0xff}, 8},                                    /* multicast */
};
/* clang-format on */

static bool is_in(const struct range *ranges, size_t count, const struct addr *a)
{
    for (size_t i = 0; i < count; i++)
        if (starts_alike(ranges[i].ip, a->ip, ranges[i].bits))
            return true;
    return false;
}

bool addr_is_loopback(const struct addr *a)
{
    return is_in(loopback, COUNT_OF(loopback), a);
}

/* The IPv4 address that is inside of an IPv6 one and is where its packets would go:
 * NAT64 (RFC 6052) and 6to4 (RFC 3056). */
static bool inner_v4(const struct addr *a, struct addr *inner)
{
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b}, six_to_four[2] = {0x20, 0x02};

    *inner = (struct addr){0};
    if (starts_alike(a->ip, nat64, 96))
        map_v4(a->ip + 12, inner->ip);
    else if (starts_alike(a->ip, six_to_four, 16))
        map_v4(a->ip + 2, inner->ip);
    else
        return false;
    return true;
}

bool addr_is_private(const struct addr *a)
{
    struct addr inner;

    return is_in(private, COUNT_OF(private), a) ||
           (inner_v4(a, &inner) && is_in(private, COUNT_OF(private), &inner));
}

/* "10" and "172.16" before a slash stand for what has zeros behind them. */
static bool read_short_v4(struct span text, struct addr *out)
{
    uint8_t four[4] = {0};
    unsigned long part;
    size_t i = 0;

    for (; text.len && i < sizeof four; i++) {
        struct span digits = span_cut(&text, '.');

        if (digits.len > 3 || !text_number(digits, UINT8_MAX, &part))
            return false;
        four[i] = (uint8_t)part;
    }
    map_v4(four, out->ip);
    return i > 0 && text.len == 0;
}

static bool has_host_bits(const struct network *n)
{
    for (unsigned bit = n->bits; bit < 128; bit++)
        if (n->ip[bit / 8] >> (7 - bit % 8) & 1)
            return true;
    return false;
}

bool network_read(struct span text, struct network *out)
{
    struct span ip = text, size = text;
    struct addr a = {0};
    unsigned long bits;

    *out = (struct network){0};
    if (span_is(text, "0/0"))
        return true;
    ip = span_cut(&size, '/');
    bool whole = ip.len == text.len; /* no slash: one address */
    bool four = !memchr(ip.at, ':', ip.len);

    if (!addr_read(ip, &a) && (whole || !four || !read_short_v4(ip, &a)))
        return false;
    if (!whole && !text_number(size, four ? 32 : 128, &bits))
        return false;
    *out = (struct network){.bits = (uint8_t)(whole ? 128 : four ? 96 + bits : bits)};
    memcpy(out->ip, a.ip, sizeof out->ip);
    return !has_host_bits(out);
}

unsigned addr_to_sockaddr(const struct addr *a, struct sockaddr *to, size_t size)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(a->port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(a->port)};
    size_t len = addr_is_v4(a) ? sizeof four : sizeof six;

    assert(size >= len);
    memcpy(&four.sin_addr, a->ip + sizeof v4_lead, 4);
    memcpy(&six.sin6_addr, a->ip, 16);
    memcpy(to, addr_is_v4(a) ? (void *)&four : (void *)&six, len);
    return (unsigned)len;
}

bool addr_of_sockaddr(const struct sockaddr *from, struct addr *out)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;

    *out = (struct addr){0};
    if (from->sa_family == AF_INET) {
        memcpy(&four, from, sizeof four);
        map_v4(&four.sin_addr, out->ip);
        out->port = ntohs(four.sin_port);
        return true;
    }
    if (from->sa_family != AF_INET6)
        return false;
    memcpy(&six, from, sizeof six);
    memcpy(out->ip, &six.sin6_addr, 16);
    out->port = ntohs(six.sin6_port);
    return true;
}
