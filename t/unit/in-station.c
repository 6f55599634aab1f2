/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/unit.h"

#include <stdlib.h>

#include "proxy-in/station.h"

static const struct backend_server places[3];

static struct backend backend(enum balance balance, size_t count)
{
    return (struct backend){.servers = places,
                            .server.count = count,
                            .balance = balance,
                            .identity = IDENTITY_PROXY_V2,
                            .rest_time = 10,
                            .check_interval = 300};
}

/* clang-format off */
/* How servers are: A alive with so many sessions, Q in doubt, D dead until then, lower case where it
 * may be an open relay. */
static const struct {
    const char *name;
    enum balance balance;
    size_t turn;
    uint64_t tried;
    const char *servers;
    size_t chosen; /* 3: none */
} rows[] = {
    {"the first that is alive",         BALANCE_ORDER, 0, 0, "A9A0A0", 0},
    {"turns do not matter in order",    BALANCE_ORDER, 2, 0, "A9A0A0", 0},
    {"not one in doubt",                BALANCE_ORDER, 0, 0, "Q0A9A0", 1},
    {"not a dead one",                  BALANCE_ORDER, 0, 0, "D0Q0A0", 2},
    {"rather in doubt than dead",       BALANCE_ORDER, 0, 0, "D0Q0Q0", 1},
    {"of dead ones who rests least",    BALANCE_ORDER, 0, 0, "D3D1D2", 1},
    {"not where it was already",        BALANCE_ORDER, 0, 1, "A0A0A0", 1},
    {"not even if all others are dead", BALANCE_ORDER, 0, 3, "A0A0D0", 2},
    {"all were tried",                  BALANCE_ORDER, 0, 7, "A0A0A0", 3},
    {"not one that may relay",          BALANCE_ORDER, 0, 0, "a0D0a0", 1},
    {"none may be used",                BALANCE_ORDER, 0, 0, "a0d0a0", 3},
    {"the fewest sessions",             BALANCE_LEAST_CONNECTIONS, 0, 0, "A3A1A2", 1},
    {"ties in turn",                    BALANCE_LEAST_CONNECTIONS, 1, 0, "A1A1A1", 1},
    {"ties in turn, round",             BALANCE_LEAST_CONNECTIONS, 3, 0, "A1A1A1", 0},
    {"fewer beat the turn",             BALANCE_LEAST_CONNECTIONS, 2, 0, "A1A0A1", 1},
    {"a dead one has few",              BALANCE_LEAST_CONNECTIONS, 0, 0, "D0A7A6", 2},
    {"least, but not tried",            BALANCE_LEAST_CONNECTIONS, 0, 2, "A3A1A2", 2},
};
/* clang-format on */

static void set_up(struct station *at, const char *servers)
{
    for (size_t i = 0; i < at->count; i++, servers += 2) {
        struct station_server *server = &at->servers[i];
        char is = servers[0] & ~0x20;
        unsigned number = (unsigned)(servers[1] - '0');

        server->health = is == 'A' ? HEALTH_ALIVE : is == 'Q' ? HEALTH_DOUBTFUL : HEALTH_DEAD;
        server->sessions = is == 'A' ? number : 0;
        server->again = is == 'D' ? number : 0;
        server->safe = servers[0] == is;
    }
}

static void chooses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct backend b = backend(rows[i].balance, 3);
        struct station at;

        assert_true(station_init(&at, &b));
        at.turn = rows[i].turn;
        set_up(&at, rows[i].servers);
        assert_row(station_choose(&at, rows[i].tried) == rows[i].chosen, rows[i].name);
        assert_row(station_is_safe(&at) == (rows[i].chosen < 3 || rows[i].tried == 7),
                   rows[i].name);
        station_clear(&at);
    }
}

/* Sessions that stay are spread; those that go make room. */
static void spreads(void **state)
{
    const struct backend b = backend(BALANCE_LEAST_CONNECTIONS, 3);
    struct station at;

    (void)state;
    assert_true(station_init(&at, &b));
    for (size_t i = 0; i < 9; i++)
        station_enter(&at, &at.servers[station_choose(&at, 0)]);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(at.servers[i].sessions, 3);
    station_leave(&at.servers[1]);
    assert_int_equal(station_choose(&at, 0), 1);
    station_clear(&at);
}

#define EHLO SPAN("250-x\r\n250-SIZE 10\r\n250 DSN\r\n")
#define LESS SPAN("250-x\r\n250-DSN\r\n250 VRFY\r\n")
#define NAME SPAN("250-y\r\n250-SIZE 10\r\n250-AUTH PLAIN\r\n250 DSN\r\n")
#define SIZE SPAN("250-x\r\n250-SIZE 11\r\n250 DSN\r\n")

/* How a server comes to rest and back. */
static void rests(void **state)
{
    static const double rest[] = {10, 20, 40, 80, 160, 300, 300};
    const struct backend b = backend(BALANCE_ORDER, 2);
    struct station at;
    double now = 1000;

    (void)state;
    assert_true(station_init(&at, &b));
    struct station_server *one = &at.servers[0];

    assert_true(station_is_due(&at, one, now)); /* nothing is known yet */
    assert_false(station_judge(&at, one, EHLO, now));
    assert_false(station_is_due(&at, one, now + 299));
    assert_true(station_is_due(&at, one, now + 300));
    station_doubt(&at, one);
    assert_int_equal(one->health, HEALTH_DOUBTFUL);
    assert_true(station_is_due(&at, one, now));
    for (size_t i = 0; i < COUNT_OF(rest); i++) {
        assert_true(station_judge(&at, one, SPAN(""), now) == (i == 0)); /* news but once */
        assert_int_equal(one->health, HEALTH_DEAD);
        station_doubt(&at, one);
        assert_int_equal(one->health, HEALTH_DEAD);
        assert_false(station_is_due(&at, one, now + rest[i] - 1));
        now += rest[i];
        assert_true(station_is_due(&at, one, now));
    }
    assert_true(station_judge(&at, one, EHLO, now));
    assert_int_equal(one->health, HEALTH_ALIVE);
    assert_true(station_judge(&at, one, SPAN(""), now));
    assert_true(one->again == now + 10);      /* the count begins anew */
    (void)station_heard(&at, one, EHLO, now); /* a client came through all the same */
    assert_int_equal(one->health, HEALTH_ALIVE);
    station_clear(&at);
}

static void never_by_itself(void **state)
{
    struct backend b = backend(BALANCE_ORDER, 1);
    struct station at;

    (void)state;
    b.check_interval = 0;
    assert_true(station_init(&at, &b));
    assert_false(station_is_due(&at, at.servers, 1e6));
    station_doubt(&at, at.servers); /* one alone has no other to be preferred */
    assert_int_equal(at.servers[0].health, HEALTH_ALIVE);
    assert_int_equal(station_choose(&at, 0), 0);
    station_clear(&at);
}

static bool offers(const struct station *at, const char *want)
{
    return at->offer.len == strlen(want) && memcmp(at->offer.reply, want, at->offer.len) == 0;
}

/* What is shown before TLS is what all have of which anything is known. */
static void offers_what_all_have(void **state)
{
    const struct backend b = backend(BALANCE_ORDER, 3);
    struct station at;

    (void)state;
    assert_true(station_init(&at, &b));
    assert_true(offers(&at, ""));
    (void)station_heard(&at, &at.servers[1], EHLO, 1);
    assert_true(offers(&at, EHLO.at));
    (void)station_heard(&at, &at.servers[2], LESS, 1);
    assert_true(offers(&at, "250-both\r\n250 DSN\r\n"));
    (void)station_judge(&at, &at.servers[2], SPAN(""), 2);
    assert_true(offers(&at, EHLO.at));
    (void)station_judge(&at, &at.servers[1], SPAN(""), 2);
    assert_true(offers(&at, ""));
    station_clear(&at);
}

/* For how long the next client would hear what the last one heard. */
static void stands_a_while(void **state)
{
    const struct backend b = backend(BALANCE_ORDER, 1);
    struct station at;

    (void)state;
    assert_true(station_init(&at, &b));
    (void)station_judge(&at, at.servers, EHLO, 100);
    assert_false(at.offer.stands); /* we heard it, no client did */
    assert_false(station_heard(&at, at.servers, EHLO, 101));
    assert_true(at.offer.stands);
    station_age(&at, 110.9);
    assert_true(at.offer.stands);
    station_age(&at, 111);
    assert_false(at.offer.stands);
    assert_false(station_heard(&at, at.servers, EHLO, 200));
    assert_true(at.offer.stands);
    station_doubt(&at, at.servers);
    assert_false(at.offer.stands);
    assert_false(station_heard(&at, at.servers, EHLO, 201));
    (void)station_judge(&at, at.servers, SPAN(""), 202);
    assert_false(at.offer.stands);
    station_clear(&at);
}

/* Who tells each client something else is asked each time, as soon as that is seen. */
static void varies(void **state)
{
    static const struct {
        struct span said;
        bool by_us, stands, news;
    } t[] = {
        {EHLO, true, false, false}, {LESS, false, true, false},  {EHLO, false, true, false},
        {NAME, false, true, false}, {EHLO, true, false, false},  {EHLO, false, true, false},
        {SIZE, false, false, true}, {SIZE, false, false, false}, {EHLO, false, false, false},
    };
    const struct backend b = backend(BALANCE_ORDER, 1);
    struct station at;

    (void)state;
    assert_true(station_init(&at, &b));
    for (size_t i = 0; i < COUNT_OF(t); i++) {
        if (t[i].by_us)
            (void)station_judge(&at, at.servers, t[i].said, 1);
        else
            assert_int_equal(station_heard(&at, at.servers, t[i].said, 1), t[i].news);
        assert_int_equal(at.offer.stands, t[i].stands);
    }
    station_clear(&at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses),
        cmocka_unit_test(spreads),
        cmocka_unit_test(rests),
        cmocka_unit_test(never_by_itself),
        cmocka_unit_test(offers_what_all_have),
        cmocka_unit_test(stands_a_while),
        cmocka_unit_test(varies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
