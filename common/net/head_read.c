/* SPDX-License-Identifier: Apache-2.0 */
#include "net/head.h"

#include <stdint.h>

#include "base/text.h"

/* Of the protocol's text, proxy-protocol.txt, 2.1 and 2.2. */
enum { FIXED = 16, LOCAL = 0x20, PROXY = 0x21 };
enum { UNSPEC = 0x00, TCP4 = 0x11, TCP6 = 0x21 };

static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";

static size_t number_16(const char *at)
{
    return (size_t)(unsigned char)at[0] << 8 | (unsigned char)at[1];
}

/* Decimal, with no zero before it. */
static bool read_port(struct span text, uint16_t *out)
{
    unsigned long port;

    if (text.len > 5 || (text.len > 1 && text.at[0] == '0') || !text_number(text, 65535, &port))
        return false;
    *out = (uint16_t)port;
    return true;
}

static bool read_ip(struct span text, bool v6, struct addr *out)
{
    bool colons = text.len > 0 && memchr(text.at, ':', text.len);

    return colons == v6 && addr_read(text, out);
}

/* "TCP4 192.0.2.1 198.51.100.25 4711 25"; 2.1. */
static int read_line(struct span line, struct head_said *out)
{
    struct span family = span_cut(&line, ' ');
    bool v6 = span_is(family, "TCP6");

    out->local = span_is(family, "UNKNOWN"); /* what follows it is to be ignored */
    if (out->local)
        return 1;
    if (!v6 && !span_is(family, "TCP4"))
        return -1;

    struct span from = span_cut(&line, ' '), to = span_cut(&line, ' ');
    struct span from_port = span_cut(&line, ' '), to_port = line;

    return read_ip(from, v6, &out->client) && read_ip(to, v6, &out->server) &&
                   read_port(from_port, &out->client.port) && read_port(to_port, &out->server.port)
               ? 1
               : -1;
}

static int read_v1(struct span in, struct head_said *out, size_t *len)
{
    size_t most = in.len < HEAD_V1_MAX ? in.len : HEAD_V1_MAX;
    const char *cr = memchr(in.at, '\r', most);

    if (!cr || (size_t)(cr - in.at) + 1 == most) /* its LF must fit, too */
        return most == HEAD_V1_MAX ? -1 : 0;
    if (cr[1] != '\n')
        return -1;
    *len = (size_t)(cr - in.at) + 2;
    return read_line((struct span){in.at + 6, *len - 8}, out);
}

bool head_tlv_next(struct span *rest, struct head_tlv *out)
{
    if (rest->len < 3)
        return false;

    size_t len = number_16(rest->at + 1);

    if (len > rest->len - 3)
        return false;
    *out = (struct head_tlv){(unsigned char)rest->at[0], {rest->at + 3, len}};
    *rest = span_after(*rest, 3 + len);
    return true;
}

/* Castagnoli's; only where a balancer asks for it, so small goes before fast. */
static uint32_t crc32c(uint32_t crc, const char *at, size_t len)
{
    for (; len; len--, at++) {
        crc ^= (unsigned char)*at;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return crc;
}

/* The sum is of the whole header with zeros in its own place; 2.2.3. */
static bool sum_holds(struct span head, struct span value)
{
    size_t before = (size_t)(value.at - head.at);
    uint32_t crc = crc32c(UINT32_MAX, head.at, before), said;

    if (value.len != 4)
        return false;
    crc = crc32c(crc, "\0\0\0\0", 4);
    crc = ~crc32c(crc, value.at + 4, head.len - before - 4);
    said = (uint32_t)(number_16(value.at) << 16 | number_16(value.at + 2));
    return crc == said;
}

static bool tlvs_hold(struct span head, struct span tlvs)
{
    struct head_tlv tlv;

    while (head_tlv_next(&tlvs, &tlv))
        if (tlv.type == HEAD_CRC32C && !sum_holds(head, tlv.value))
            return false;
    return tlvs.len == 0;
}

/* Both addresses and ports, of `size` bytes an address; what follows are TLVs. */
static int read_addresses(struct span head, size_t size, struct head_said *out)
{
    struct span body = span_after(head, FIXED);
    uint8_t v4[16] = {[10] = 0xff, [11] = 0xff};

    if (body.len < 2 * size + 4)
        return -1;
    memcpy(out->client.ip, v4, sizeof v4);
    memcpy(out->server.ip, v4, sizeof v4);
    memcpy(out->client.ip + 16 - size, body.at, size);
    memcpy(out->server.ip + 16 - size, body.at + size, size);
    out->client.port = (uint16_t)number_16(body.at + 2 * size);
    out->server.port = (uint16_t)number_16(body.at + 2 * size + 2);
    out->tlvs = span_after(body, 2 * size + 4);
    return tlvs_hold(head, out->tlvs) ? 1 : -1;
}

static int read_v2(struct span in, struct head_said *out, size_t *len)
{
    if (in.len < FIXED)
        return 0;

    int command = (unsigned char)in.at[12], family = (unsigned char)in.at[13];

    if ((command != LOCAL && command != PROXY) || number_16(in.at + 14) > HEAD_MAX_IN - FIXED)
        return -1;
    *len = FIXED + number_16(in.at + 14);
    out->local = command == LOCAL || family == UNSPEC;
    if (!out->local && family != TCP4 && family != TCP6)
        return -1;
    if (in.len < *len)
        return 0;
    /* Of what is local nothing else is believed, or looked at. */
    return out->local ? 1
                      : read_addresses((struct span){in.at, *len}, family == TCP4 ? 4 : 16, out);
}

static bool begins_like(struct span in, const char *bytes, size_t count)
{
    return memcmp(in.at, bytes, in.len < count ? in.len : count) == 0;
}

int head_read(struct span in, struct head_said *out, size_t *len)
{
    struct head_said said = {.tlvs = SPAN("")};
    size_t took = 0;
    int got = -1;

    if (in.len == 0)
        return 0;
    if (begins_like(in, "PROXY ", 6))
        got = in.len < 6 ? 0 : read_v1(in, &said, &took);
    else if (begins_like(in, signature, 12))
        got = read_v2(in, &said, &took);
    if (got > 0) {
        *out = said;
        *len = took;
    }
    return got;
}
