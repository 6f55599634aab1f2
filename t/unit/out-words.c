/* SPDX-License-Identifier: Apache-2.0
 *
 * The small tables of proxy-out: what a status means, what XFORWARD says, what a connection may
 * be used for again, what of the time is one server's, what a session weighs.
 */
#include "proxy-out/relay/xforward.h"

#include <stdio.h>
#include <stdlib.h>

#include "proxy-out/kept/pool.h"
#include "way/from.h"
#include "proxy-out/seek.h"
#include "proxy-out/session.h"
#include "proxy-out/relay/status.h"
#include "unit.h"

static const struct {
    const char *status, *means;
} statuses[] = {
    {"2.0.0", "success"},
    {"5.1.1", "bad destination mailbox address"},
    {"5.1.10", "recipient address has null MX"},
    {"5.7.1", "delivery not authorized"},
    {"4.7.0", "other or undefined security status"},
    {"5.2.2", "mailbox full"},
    {"5.0.0", "other undefined status"},
    {"5.9.9", ""},
    {"5.1.11", ""},
    {"", ""},
};

static void status_means(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(statuses); i++)
        assert_string_equal(status_text(statuses[i].status), statuses[i].means);
}

static const struct {
    const char *arg;
    bool is;
    const char *helo, *addr, *ident;
} forwards[] = {
    {"NAME=c.test ADDR=192.0.2.1 PORT=25", true, "before", "192.0.2.1", ""},
    {"PROTO=ESMTP HELO=x+2By.test IDENT=3F5A SOURCE=LOCAL", true, "x+y.test", "", "3F5A"},
    {"helo=[UNAVAILABLE]", true, "", "", ""},
    {"HELO=[tempunavail]", true, "", "", ""},
    {"HELO=", true, "", "", ""},
    {" HELO=a  IDENT=b ", true, "a", "", "b"},
    {"HELO=a+0D+0AX", true, "a??X", "", ""},
    {"HELO=a COLOUR=red", false, "before", "", ""},
    {"HELO", false, "before", "", ""},
    {"HELO=a+", false, "before", "", ""},
    {"=a", false, "before", "", ""},
    {"", false, "before", "", ""},
};

static void xforward_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(forwards); i++) {
        struct xforward x = {.helo = "before"};

        assert_row(xforward_read(&x, span_of(forwards[i].arg)) == forwards[i].is, forwards[i].arg);
        assert_string_equal(x.helo, forwards[i].helo);
        assert_string_equal(x.addr, forwards[i].addr);
        assert_string_equal(x.ident, forwards[i].ident);
    }
}

static const struct {
    const char *text;
    bool is, v4, v6;
} sources[] = {
    {"", true, false, false},
    {"192.0.2.1", true, true, false},
    {"2001:db8::1  192.0.2.1", true, true, true},
    {"192.0.2.1 192.0.2.2", false, false, false},
    {"here", false, false, false},
};

static void sources_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        struct addr v4, v6;
        bool has_v4, has_v6;
        bool is = source_read(sources[i].text, &v4, &has_v4, &v6, &has_v6);

        assert_row(is == sources[i].is, sources[i].text);
        if (is)
            assert_row(has_v4 == sources[i].v4 && has_v6 == sources[i].v6, sources[i].text);
    }
}

static void time_is_shared(void **state)
{
    (void)state;
    assert_true(attempt_share(240, 4) == 60);
    assert_true(attempt_share(240, 1) == 240);
    assert_true(attempt_share(240, 0) == 240);
}

/* Ten thousand idle sessions of a worker are 80 MB at most. */
static void session_weighs(void **state)
{
    (void)state;
    print_message("# %zu bytes a session\n", sizeof(struct session));
    assert_true(sizeof(struct session) <= 8192);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_means),     cmocka_unit_test(xforward_says),
        cmocka_unit_test(sources_are_read), cmocka_unit_test(time_is_shared),
        cmocka_unit_test(session_weighs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
