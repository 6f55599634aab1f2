/* SPDX-License-Identifier: Apache-2.0
 *
 * addr - IP addresses, ports and networks, without a socket in sight.
 *
 * Both families are one: IPv4 is kept as ::ffff:a.b.c.d, and shown as a.b.c.d.
 */
#pragma once

#include <stdint.h>

#include "base/span.h"

struct addr {
    uint8_t ip[16];
    uint16_t port; /* host order; 0 where there is none */
};

struct network {
    uint8_t ip[16]; /* host bits are zero */
    uint8_t bits;   /* of 128; an IPv4 /24 is 120 */
};

/* Both hold the longest text with its NUL: "[ipv6]:65535". */
enum { ADDR_TEXT = 56 };

/* "192.0.2.1" or "2001:db8::1". */
MUST bool addr_read(struct span text, struct addr *out);

/* "192.0.2.1:25" or "[2001:db8::1]:25". The port is 1 to 65535. */
MUST bool addr_read_port(struct span text, struct addr *out);

/* Both give back `to`. Without and with the port, in the forms that are read above. */
const char *addr_text(const struct addr *a, char to[ADDR_TEXT]);
const char *addr_port_text(const struct addr *a, char to[ADDR_TEXT]);

bool addr_is_v4(const struct addr *a);
bool addr_is_same(const struct addr *a, const struct addr *b); /* ip and port */
bool addr_is_loopback(const struct addr *a);

/* Loopback, private, link-local, unspecified, multicast and the other ranges in which
 * no public mail server lives (RFC 6890). */
bool addr_is_private(const struct addr *a);

/* A network as PowerMTA writes it: "10.0.0.5", "10/8", "10.0.0.0/8", "0/0" (every
 * client of both families), "0.0.0.0/0" (IPv4), "2001:db8::/32", "::/0" (IPv6 and,
 * being the whole space of ours, IPv4). False too if host bits are set. */
MUST bool network_read(struct span text, struct network *out);
bool network_has(const struct network *n, const struct addr *a);

/* To and from the kernel's form; `size` bytes are there, the used length comes back.
 * IPv4 becomes AF_INET. False: another family. */
struct sockaddr;
unsigned addr_to_sockaddr(const struct addr *a, struct sockaddr *to, size_t size);
MUST bool addr_of_sockaddr(const struct sockaddr *from, struct addr *out);
