/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is told when that something ends.
 */
#include "run/expiry.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run/daemon.h"
#include "tell/log.h"
#include "unit.h"

enum { DAY = 86400, NOW = 1800000000 };

static void test_stages(void **state)
{
    const struct {
        long left;
        unsigned stage, of_other;
    } cases[] = {
        {31L * DAY, 0, 0},   {30L * DAY + 1, 0, 0},
        {30L * DAY, 1, 0},   {14L * DAY + 1, 1, 0},
        {14L * DAY, 2, 0},   {7L * DAY, 3, 0},
        {DAY + 1, 3, 0},     {DAY, 4, 0},
        {1, 4, 0},           {0, 5, 5},
        {1 - DAY, 5, 5},     {-DAY, 6, 5},
        {-10L * DAY, 15, 5},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct dated d = {.until = NOW + cases[i].left, .warns = true};
        struct dated other = {.until = NOW + cases[i].left};

        assert_int_equal(cases[i].stage, expiry_stage(&d, NOW));
        assert_int_equal(cases[i].of_other, expiry_stage(&other, NOW));
    }
    assert_int_equal(0, expiry_stage(&(struct dated){.warns = true}, NOW));
}

static struct dated all[4];
static size_t count;
static int ends[2], saved;
static char heard[4096];

static void show(const void *prepared, dated_fn *to, void *arg)
{
    (void)prepared;
    for (size_t i = 0; i < count; i++)
        to(arg, &all[i]);
}

static const struct program program = {.name = "t", .show = show}, shows_nothing = {.name = "t"};
static struct expiry expiry;

static unsigned tell(bool anew, time_t now)
{
    unsigned lines = 0;
    ssize_t got;
    size_t used = 0;

    dup2(ends[1], STDERR_FILENO);
    expiry_tell(&expiry, &program, NULL, anew, now);
    dup2(saved, STDERR_FILENO);
    while ((got = recv(ends[0], heard + used, sizeof heard - 1 - used, MSG_DONTWAIT)) > 0) {
        used += (size_t)got;
        lines++;
    }
    heard[used] = '\0';
    return lines;
}

static void says(const char *what)
{
    if (!strstr(heard, what))
        fail_msg("'%s' does not say '%s'", heard, what);
}

static void test_telling(void **state)
{
    const time_t until = NOW + 31L * DAY;

    (void)state;
    all[0] = (struct dated){.kind = "certificate",
                            .file = "/mx.pem",
                            .names = "mx.test",
                            .until = until,
                            .warns = true};
    all[1] = all[0]; /* two listeners have it */
    all[2] = (struct dated){
        .kind = "OCSP response", .file = "/x.ocsp", .names = "mx.test", .until = NOW + 40L * DAY};
    count = 3;
    assert_int_equal(0, tell(true, NOW));
    assert_int_equal(0, tell(false, NOW + DAY - 1));
    assert_int_equal(1, tell(false, NOW + DAY));
    says("t ends-soon level=error what=certificate file=/mx.pem names=mx.test days=30 until=2027-");
    says(" soon=1 ended=0 then=");
    assert_int_equal(0, tell(false, NOW + DAY + 60));
    assert_int_equal(1, tell(true, NOW + DAY + 120)); /* after a reload */
    assert_int_equal(0, tell(false, NOW + 2L * DAY));
    assert_int_equal(1, tell(false, until - 14L * DAY + 5));
    says("days=13 ");
    assert_int_equal(1, tell(false, until - 7L * DAY));
    assert_int_equal(1, tell(false, until - DAY));
    says("days=1 ");
    assert_int_equal(0, tell(false, until - 1));
    assert_int_equal(1, tell(false, until));
    says("has-ended level=error what=certificate");
    says(" soon=0 ended=1 ");
    assert_int_equal(0, tell(false, until + DAY - 1));
    assert_int_equal(1, tell(false, until + DAY));
    says("days=-1 ");
    assert_int_equal(2, tell(false, NOW + 40L * DAY)); /* another day; and the response, once */
    says("has-ended level=error what=\"OCSP response\"");
    assert_int_equal(1, tell(false, NOW + 41L * DAY));
    assert_int_equal(0, tell(false, NOW)); /* the clock was put back */
    all[3] = (struct dated){.kind = "OCSP response", .file = "/y", .names = "", .flaw = "damaged"};
    count = 4;
    assert_int_equal(0, tell(false, NOW + 60));
    assert_int_equal(1, tell(true, NOW + 60));
    says("not-used level=error what=\"OCSP response\" file=/y names=\"\" why=damaged");
}

static void test_nothing(void **state)
{
    (void)state;
    expiry_tell(&expiry, &shows_nothing, NULL, true, NOW);
    expiry_print(&shows_nothing, NULL, NOW);
    assert_true(recv(ends[0], heard, sizeof heard, MSG_DONTWAIT) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_telling),
        cmocka_unit_test(test_nothing),
    };

    saved = dup(STDERR_FILENO);
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0)
        return 1;
    log_open("t", LOG_TO_STDERR, LOG_SESSION);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
