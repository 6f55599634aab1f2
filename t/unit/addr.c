/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"

#include <netinet/in.h>

#include "unit.h"

/* clang-format off */
static const struct { const char *in, *out; } ips[] = {
    {"192.0.2.1", "192.0.2.1"},
    {"2001:db8::1", "2001:db8::1"},
    {"2001:DB8:0::0:1", "2001:db8::1"},
    {"::ffff:192.0.2.1", "192.0.2.1"},
    {"::", "::"},
    {"", NULL}, {"192.0.2", NULL}, {"192.0.2.256", NULL}, {"192.0.2.1 ", NULL},
    {"192.0.2.01", NULL}, {"[::1]", NULL}, {"fe80::1%lo", NULL}, {"localhost", NULL},
    {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc", NULL},
};

static const struct { const char *in, *out; } ports[] = {
    {"192.0.2.1:25", "192.0.2.1:25"},
    {"[2001:db8::1]:65535", "[2001:db8::1]:65535"},
    {"192.0.2.1", NULL}, {"192.0.2.1:", NULL}, {"192.0.2.1:0", NULL}, {"192.0.2.1:65536", NULL},
    {"192.0.2.1:25x", NULL}, {"::1:25", NULL}, {"[::1]", NULL}, {"[::1]25", NULL}, {"[::1:25", NULL},
    {"[192.0.2.1]:25", NULL}, {"", NULL}, {":25", NULL}, {"[]:25", NULL},
};

static const struct { const char *net, *ip; int has; } nets[] = { /* has -1: no network */
    {"10/8", "10.255.0.1", 1},            {"10/8", "11.0.0.1", 0},
    {"10.0.0.0/8", "10.1.2.3", 1},        {"172.16/12", "172.31.255.255", 1},
    {"172.16/12", "172.32.0.0", 0},       {"10.0.0.5", "10.0.0.5", 1},
    {"10.0.0.5", "10.0.0.4", 0},          {"192.0.2.0/31", "192.0.2.1", 1},
    {"192.0.2.0/31", "192.0.2.2", 0},     {"0/0", "2001:db8::1", 1},
    {"0/0", "192.0.2.1", 1},              {"0.0.0.0/0", "192.0.2.1", 1},
    {"0.0.0.0/0", "2001:db8::1", 0},      {"::/0", "2001:db8::1", 1},
    {"::/0", "192.0.2.1", 1},             {"2001:db8::/32", "2001:db8:ffff::1", 1},
    {"2001:db8::/32", "2001:db9::1", 0},  {"2001:db8::1", "2001:db8::1", 1},
    {"::ffff:10.0.0.0/104", "10.9.8.7", 1},
    {"10.0.0.5/8", "", -1}, {"10", "", -1}, {"10/33", "", -1}, {"::/129", "", -1}, {"/8", "", -1},
    {"10/", "", -1}, {"10//8", "", -1}, {"10.0.0.0.0/8", "", -1}, {"2001:db8::1/32", "", -1},
    {"256/8", "", -1}, {"x/8", "", -1}, {"", "", -1}, {"1.2.3.4/032", "1.2.3.4", 1},
};

static const struct { const char *ip; bool loopback, private; } kinds[] = {
    {"127.0.0.1", true, true},      {"127.255.255.255", true, true}, {"::1", true, true},
    {"::ffff:127.0.0.1", true, true},
    {"10.0.0.1", false, true},      {"172.16.0.1", false, true},     {"172.32.0.1", false, false},
    {"192.168.1.1", false, true},   {"169.254.1.1", false, true},    {"100.64.0.1", false, true},
    {"0.0.0.0", false, true},       {"224.0.0.1", false, true},      {"255.255.255.255", false, true},
    {"198.51.100.7", false, true},  {"8.8.8.8", false, false},       {"100.128.0.1", false, false},
    {"::", false, true},            {"fe80::1", false, true},        {"fd00::1", false, true},
    {"ff02::1", false, true},       {"2001:db8::1", false, true},    {"2a00:1450::1", false, false},
    {"::127.0.0.1", false, true},   {"64:ff9b::127.0.0.1", false, true}, /* NAT64 to the inside */
    {"64:ff9b::8.8.8.8", false, false}, {"2002:7f00:1::", false, true},  /* 6to4 to the inside */
    {"2002:808:808::", false, false},
};
/* clang-format on */

static void ips_are_read_and_shown(void **state)
{
    char text[ADDR_TEXT];
    struct addr a;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ips); i++) {
        bool ok = addr_read(span_of(ips[i].in), &a);

        assert_row(ok == (ips[i].out != NULL), ips[i].in);
        if (ok)
            assert_string_equal(addr_text(&a, text), ips[i].out);
    }
    assert_false(addr_read((struct span){"1.2.3.4\0", 8}, &a));
}

static void ports_belong_to_them(void **state)
{
    char text[ADDR_TEXT];
    struct addr a;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ports); i++) {
        bool ok = addr_read_port(span_of(ports[i].in), &a);

        assert_row(ok == (ports[i].out != NULL), ports[i].in);
        if (ok)
            assert_string_equal(addr_port_text(&a, text), ports[i].out);
    }
    memset(a.ip, 0xfd, sizeof a.ip); /* the longest there is */
    a.port = 65535;
    assert_string_equal(addr_port_text(&a, text),
                        "[fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd]:65535");
}

static void networks_hold_what_they_say(void **state)
{
    struct network n;
    struct addr a;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(nets); i++) {
        bool ok = network_read(span_of(nets[i].net), &n);

        assert_row(ok == (nets[i].has >= 0), nets[i].net);
        if (!ok)
            continue;
        assert_row(addr_read(span_of(nets[i].ip), &a), nets[i].ip);
        assert_row(network_has(&n, &a) == (nets[i].has == 1), nets[i].net);
    }
}

static void ranges_are_known(void **state)
{
    struct addr a;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        assert_row(addr_read(span_of(kinds[i].ip), &a), kinds[i].ip);
        assert_row(addr_is_loopback(&a) == kinds[i].loopback, kinds[i].ip);
        assert_row(addr_is_private(&a) == kinds[i].private, kinds[i].ip);
    }
}

static void the_kernel_takes_and_gives_them(void **state)
{
    static const char *const both[] = {"192.0.2.7:25", "[2001:db8::7]:587"};
    struct sockaddr_storage kernel;
    struct addr a, b;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(both); i++) {
        assert_true(addr_read_port(span_of(both[i]), &a));
        unsigned len = addr_to_sockaddr(&a, (struct sockaddr *)&kernel, sizeof kernel);

        assert_int_equal(kernel.ss_family, i ? AF_INET6 : AF_INET);
        assert_int_equal(len, i ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
        assert_true(addr_of_sockaddr((struct sockaddr *)&kernel, &b));
        assert_true(addr_is_same(&a, &b));
        b.port++;
        assert_false(addr_is_same(&a, &b));
    }
    kernel.ss_family = AF_UNIX;
    assert_false(addr_of_sockaddr((struct sockaddr *)&kernel, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ips_are_read_and_shown),          cmocka_unit_test(ports_belong_to_them),
        cmocka_unit_test(networks_hold_what_they_say),     cmocka_unit_test(ranges_are_known),
        cmocka_unit_test(the_kernel_takes_and_gives_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
