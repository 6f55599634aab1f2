/* SPDX-License-Identifier: Apache-2.0
 *
 * What load balancers say of their clients, whole and cut at every byte, and what is none of it.
 */
#include "t/unit/unit.h"

#include <stdlib.h>

#include "net/head.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define IPV4 "\xc0\x00\x02\x01\xc6\x33\x64\x19\x12\x67\x00\x19" /* 192.0.2.1, 198.51.100.25 */
#define IPV6                                                                                       \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x12\x67" \
    "\0\x19"
#define BYTES(literal) (const char *)(literal), sizeof(literal) - 1

/* clang-format off */
static const struct {
    const char *name, *bytes;
    size_t len;
    const char *client, *server; /* NULL: local */
    const char *tlvs;
    size_t tlvs_len;
} good[] = {
    {"v1", BYTES("PROXY TCP4 192.0.2.1 198.51.100.25 4711 25\r\n"), "192.0.2.1:4711", "198.51.100.25:25", BYTES("")},
    {"v1 IPv6", BYTES("PROXY TCP6 2001:db8::1 2001:db8::2 4711 25\r\n"), "[2001:db8::1]:4711", "[2001:db8::2]:25", BYTES("")},
    {"v1, the longest", BYTES("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe 65535 65535\r\n"), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:65535", BYTES("")},
    {"v1, a mapped IPv4 address", BYTES("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 25\r\n"), "192.0.2.1:1", "192.0.2.2:25", BYTES("")},
    {"v1 UNKNOWN", BYTES("PROXY UNKNOWN\r\n"), NULL, NULL, BYTES("")},
    {"v1 UNKNOWN with what is ignored", BYTES("PROXY UNKNOWN ffff:f...f:ffff what 1 2 3\r\n"), NULL, NULL, BYTES("")},
    {"v2", BYTES(SIGNATURE "\x21\x11\0\x0c" IPV4), "192.0.2.1:4711", "198.51.100.25:25", BYTES("")},
    {"v2 IPv6", BYTES(SIGNATURE "\x21\x21\0\x24" IPV6), "[2001:db8::1]:4711", "[2001:db8::2]:25", BYTES("")},
    {"v2 with TLVs", BYTES(SIGNATURE "\x21\x11\0\x15" IPV4 "\x02\0\x01" "a\xee\0\x02" "bc"), "192.0.2.1:4711", "198.51.100.25:25", BYTES("\x02\0\x01" "a\xee\0\x02" "bc")},
    {"v2 with an empty TLV", BYTES(SIGNATURE "\x21\x11\0\x0f" IPV4 "\x04\0\0"), "192.0.2.1:4711", "198.51.100.25:25", BYTES("\x04\0\0")},
    {"v2 with its sum", BYTES(SIGNATURE "\x21\x11\0\x13" IPV4 "\x03\0\x04\x85\x31\xe7\x63"), "192.0.2.1:4711", "198.51.100.25:25", BYTES("\x03\0\x04\x85\x31\xe7\x63")},
    {"v2 LOCAL", BYTES(SIGNATURE "\x20\0\0\0"), NULL, NULL, BYTES("")},
    {"v2 LOCAL with addresses and garbage", BYTES(SIGNATURE "\x20\x11\0\x0d" IPV4 "x"), NULL, NULL, BYTES("")},
    {"v2 PROXY of nobody knows what", BYTES(SIGNATURE "\x21\0\0\x03" "abc"), NULL, NULL, BYTES("")},
};

static const struct {
    const char *name, *bytes;
    size_t len;
} bad[] = {
    {"SMTP", BYTES("EHLO c.example\r\n")},
    {"TLS", BYTES("\x16\x03\x01\x02\x00\x01")},
    {"small letters", BYTES("proxy TCP4 192.0.2.1 198.51.100.25 4711 25\r\n")},
    {"no family", BYTES("PROXY \r\n")},
    {"UDP", BYTES("PROXY UDP4 192.0.2.1 198.51.100.25 4711 25\r\n")},
    {"TCP5", BYTES("PROXY TCP5 192.0.2.1 198.51.100.25 4711 25\r\n")},
    {"two spaces", BYTES("PROXY TCP4  192.0.2.1 198.51.100.25 4711 25\r\n")},
    {"a tab", BYTES("PROXY TCP4 192.0.2.1\t198.51.100.25 4711 25\r\n")},
    {"a space at the end", BYTES("PROXY TCP4 192.0.2.1 198.51.100.25 4711 25 \r\n")},
    {"a port too few", BYTES("PROXY TCP4 192.0.2.1 198.51.100.25 4711\r\n")},
    {"a field too many", BYTES("PROXY TCP4 192.0.2.1 198.51.100.25 4711 25 1\r\n")},
    {"no addresses", BYTES("PROXY TCP4\r\n")},
    {"TCP4 with IPv6", BYTES("PROXY TCP4 2001:db8::1 2001:db8::2 4711 25\r\n")},
    {"TCP6 with IPv4", BYTES("PROXY TCP6 192.0.2.1 198.51.100.25 4711 25\r\n")},
    {"an address of five parts", BYTES("PROXY TCP4 192.0.2.1.5 198.51.100.25 4711 25\r\n")},
    {"a port too large", BYTES("PROXY TCP4 192.0.2.1 198.51.100.25 65536 25\r\n")},
    {"a port with a zero before it", BYTES("PROXY TCP4 192.0.2.1 198.51.100.25 04711 25\r\n")},
    {"a negative port", BYTES("PROXY TCP4 192.0.2.1 198.51.100.25 -1 25\r\n")},
    {"an empty port", BYTES("PROXY TCP4 192.0.2.1 198.51.100.25 4711 \r\n")},
    {"a NUL in it", BYTES("PROXY TCP4 192.0.2.1\0 198.51.100.25 4711 25\r\n")},
    {"CR alone", BYTES("PROXY TCP4 192.0.2.1 198.51.100.25 4711 25\rX")},
    {"LF alone", BYTES("PROXY TCP4 192.0.2.1 198.51.100.25 4711 25\nEHLO c\r\n")},
    {"no end in 107 bytes", BYTES("PROXY UNKNOWN 3456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345")},
    {"its LF is the 108th byte", BYTES("PROXY UNKNOWN 3456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456\r\n")},
    {"a signature that breaks off", BYTES("\r\n\r\n\0\r\nQUIT\r")},
    {"version 1 in binary", BYTES(SIGNATURE "\x11\x11\0\x0c" IPV4)},
    {"version 3", BYTES(SIGNATURE "\x31\x11\0\x0c" IPV4)},
    {"an unknown command", BYTES(SIGNATURE "\x22\x11\0\x0c" IPV4)},
    {"UDP, binary", BYTES(SIGNATURE "\x21\x12\0\x0c" IPV4)},
    {"a unix socket", BYTES(SIGNATURE "\x21\x31\0\x0c" IPV4)},
    {"UDP of IPv6, binary", BYTES(SIGNATURE "\x21\x22\0\x24" IPV6)},
    {"a family that is none, of that length", BYTES(SIGNATURE "\x21\x12\0\x24" IPV6)},
    {"an unknown family", BYTES(SIGNATURE "\x21\x41\0\x0c" IPV4)},
    {"addresses cut short", BYTES(SIGNATURE "\x21\x11\0\x0b" IPV4)},
    {"IPv6 addresses cut short", BYTES(SIGNATURE "\x21\x21\0\x0c" IPV4)},
    {"too long", BYTES(SIGNATURE "\x21\x11\x10\x01" IPV4)},
    {"LOCAL, too long", BYTES(SIGNATURE "\x20\0\xff\xff")},
    {"half a TLV", BYTES(SIGNATURE "\x21\x11\0\x0e" IPV4 "\x02\0")},
    {"a TLV longer than all", BYTES(SIGNATURE "\x21\x11\0\x10" IPV4 "\x02\0\x02" "a")},
    {"a wrong sum", BYTES(SIGNATURE "\x21\x11\0\x13" IPV4 "\x03\0\x04\x85\x31\xe7\x62")},
    {"a sum of two bytes", BYTES(SIGNATURE "\x21\x11\0\x11" IPV4 "\x03\0\x02\x84\xe1")},
};
/* clang-format on */

static void assert_addr(const char *name, const char *expected, const struct addr *got)
{
    char text[ADDR_TEXT];

    assert_row(strcmp(expected, addr_port_text(got, text)) == 0, name);
}

/* As soon as it is whole, and not before; what follows changes nothing. */
static void reads(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++)
        for (size_t len = 0; len <= good[i].len + 5; len++) {
            char *bytes = malloc(len + 1); /* just that long: a reader beyond it is found out */
            struct head_said said = {.local = false};
            size_t took = 0;

            assert_non_null(bytes);
            memset(bytes, 'x', len);
            memcpy(bytes, good[i].bytes, len < good[i].len ? len : good[i].len);
            int got = head_read((struct span){bytes, len}, &said, &took);

            assert_row(got == (len >= good[i].len), good[i].name);
            if (got > 0) {
                assert_row(took == good[i].len, good[i].name);
                assert_row(said.local == !good[i].client, good[i].name);
                assert_row(said.tlvs.len == good[i].tlvs_len, good[i].name);
                assert_memory_equal(said.tlvs.at, good[i].tlvs, good[i].tlvs_len);
            }
            if (got > 0 && good[i].client) {
                assert_addr(good[i].name, good[i].client, &said.client);
                assert_addr(good[i].name, good[i].server, &said.server);
            }
            free(bytes);
        }
}

/* At some byte it is found to be wrong, and it stays so; before that nothing is believed. */
static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct head_said said;
        size_t took;
        bool was_bad = false;

        for (size_t len = 0; len <= bad[i].len; len++) {
            int got = head_read((struct span){bad[i].bytes, len}, &said, &took);

            assert_row(got == (was_bad ? -1 : got < 0 ? -1 : 0), bad[i].name);
            was_bad = got < 0;
        }
        assert_row(was_bad, bad[i].name);
    }
}

static void walks_tlvs(void **state)
{
    struct span rest = SPAN("\x02\0\x01"
                            "a\xff\0\0\x05\0\x03"
                            "bc");
    struct head_tlv tlv;

    (void)state;
    assert_true(head_tlv_next(&rest, &tlv));
    assert_int_equal(2, tlv.type);
    assert_span(tlv.value, "a");
    assert_true(head_tlv_next(&rest, &tlv));
    assert_int_equal(255, tlv.type);
    assert_int_equal(0, tlv.value.len);
    assert_false(head_tlv_next(&rest, &tlv));
    assert_int_equal(5, rest.len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),
        cmocka_unit_test(refuses),
        cmocka_unit_test(walks_tlvs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
