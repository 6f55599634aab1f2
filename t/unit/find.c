/* SPDX-License-Identifier: Apache-2.0
 *
 * What nobody says about a domain is not taken for a "no": a search that lacks the answer to a
 * question that may demand TLS ends without servers.
 */
#include "way/find.h"

#include <event2/event.h>

#include "net/loop.h"
#include "way/roll.h"

#include "unit.h"

/* Who is asked: one kind of question is refused, all others are answered well. */
struct oracle {
    struct line *line;
    int refuses;
    uint32_t lasts; /* of answers about DNS and policies */
    unsigned asked;
    bool is_over;
};

static void hear(void *arg, const struct question *q)
{
    struct oracle *o = arg;
    struct answer a = {.number = q->number, .kind = q->kind, .status = ANSWER_OK};

    o->asked++;
    a.lasts = q->kind == QUESTION_SEEN ? 0 : o->lasts;
    if ((int)q->kind == o->refuses) {
        answer_failed(&a, q);
    } else if (q->kind == QUESTION_MAIL) {
        a.count = 1;
        a.host[0] = (struct answer_host){.name = "mx.test"};
        assert_true(addr_read(SPAN("192.0.2.1"), &a.host[0].at));
    }
    if (q->kind == QUESTION_STS && o->lasts > 0)
        a.sts.mode = STS_TESTING;
    line_answer(o->line, &a);
}

static void over(void *arg)
{
    struct oracle *o = arg;

    o->is_over = true;
}

static enum fail find(int refuses, const struct domain *rule, unsigned *asked)
{
    struct event_base *base = loop_new();
    struct oracle o = {.refuses = refuses};
    struct own own = {.address_count = 0};
    struct find f;

    memset(&f, 0xa5, sizeof f); /* as memory comes */
    o.line = line_within(base, hear, &o);
    assert_false(find_start(&f, o.line, SPAN("a.test"), rule, &own, NULL, over, &o));
    for (unsigned i = 0; i < 100 && !o.is_over; i++)
        (void)event_base_loop(base, EVLOOP_ONCE);
    assert_true(o.is_over);
    assert_int_equal(f.route.count, f.fail == FAIL_NOT ? 1 : 0);
    assert_int_equal(f.route.dropped, 0);
    *asked = o.asked;
    find_clear(&f);
    line_free(&o.line);
    event_base_free(base);
    return f.fail;
}

static void test_refused(void **state)
{
    static const struct {
        const char *name;
        int refuses;
        bool heeds_sts;
        unsigned long memory;
        enum fail fail;
        unsigned asked;
    } rows[] = {
        {"all is known", -1, true, 60, FAIL_NOT, 3},
        {"the policy is not", QUESTION_STS, true, 60, FAIL_DNS, 3},
        {"and nobody asks", QUESTION_STS, false, 60, FAIL_NOT, 2},
        {"what was seen is not", QUESTION_SEEN, true, 60, FAIL_DNS, 3},
        {"and nobody asks", QUESTION_SEEN, true, 0, FAIL_NOT, 2},
        {"the servers are not", QUESTION_MAIL, true, 60, FAIL_DNS, 3},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct domain rule = {.smtp_hosts = ""};
        unsigned asked;

        option_defaults(domain_options, &rule);
        rule.use_mta_sts = rows[i].heeds_sts;
        rule.starttls_memory = rows[i].memory;
        rule.allow_private_destinations = true;
        assert_row(find(rows[i].refuses, &rule, &asked) == rows[i].fail, rows[i].name);
        assert_row(asked == rows[i].asked, rows[i].name);
    }
}

/* What holds is not asked again for a moment; what a domain has shown is, each time, so that who
 * forgets it is heeded at once. */
static void test_again(void **state)
{
    static const struct {
        const char *name;
        uint32_t lasts;
        unsigned long memory;
        unsigned asked;
    } rows[] = {
        {"it holds", 60, 0, 2},
        {"it does not", 0, 0, 4},
        {"what was seen does not", 60, 60, 4},
    };
    struct own own = {.address_count = 0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct event_base *base = loop_new();
        struct oracle o = {.refuses = -1, .lasts = rows[i].lasts};
        struct domain rule = {.smtp_hosts = ""};

        option_defaults(domain_options, &rule);
        rule.starttls_memory = rows[i].memory;
        rule.allow_private_destinations = true;
        o.line = line_within(base, hear, &o);
        for (unsigned n = 0; n < 2; n++) {
            struct find f;

            o.is_over = find_start(&f, o.line, SPAN("a.test"), &rule, &own, NULL, over, &o);
            for (unsigned turn = 0; turn < 100 && !o.is_over; turn++)
                (void)event_base_loop(base, EVLOOP_ONCE);
            assert_row(f.fail == FAIL_NOT && f.route.count == 1, rows[i].name);
            assert_row((find_policy(&f, &f.route.at[0]) != NULL) == (rows[i].lasts > 0),
                       rows[i].name);
            find_clear(&f);
        }
        assert_row(o.asked == rows[i].asked, rows[i].name);
        line_free(&o.line);
        event_base_free(base);
    }
}

/* A rollup that wants to know more than the domain's own rule did has all asked anew. */
static void test_rollup_asks(void **state)
{
    static const struct {
        unsigned long own, rollup;
        bool leads;
    } rows[] = {{0, 0, false}, {0, 60, true}, {60, 60, false}, {60, 120, false}};
    struct domain own, rollup;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        option_defaults(domain_options, &own);
        option_defaults(domain_options, &rollup);
        own.starttls_memory = rows[i].own;
        rollup.starttls_memory = rows[i].rollup;
        assert_int_equal(roll_leads_away(&own, &rollup), rows[i].leads);
    }
    option_defaults(domain_options, &own);
    rollup = own;
    rollup.use_mta_sts = !own.use_mta_sts;
    assert_true(roll_leads_away(&own, &rollup));
    rollup = own;
    rollup.allow_private_destinations = !own.allow_private_destinations;
    assert_true(roll_leads_away(&own, &rollup));
    rollup = own;
    rollup.default_smtp_port++;
    assert_true(roll_leads_away(&own, &rollup));
    rollup = own;
    rollup.smtp_hosts = "mx.test";
    assert_true(roll_leads_away(&own, &rollup));
}

/* What name servers say of each of these. */
static void hear_of(void *arg, const struct question *q)
{
    static const struct {
        const char *name;
        enum answer_status status;
        bool secure;
    } said[] = {
        {"signed.test", ANSWER_OK, true},    {"lone.test", ANSWER_OK, true},
        {"plain.test", ANSWER_OK, false},    {"none.test", ANSWER_NO_DOMAIN, true},
        {"null.test", ANSWER_NULL_MX, true}, {"dead.test", ANSWER_FAILED, false},
        {"bogus.test", ANSWER_BOGUS, false},
    };
    struct oracle *o = arg;
    struct answer a = {.number = q->number, .kind = q->kind};

    for (size_t i = 0; i < COUNT_OF(said); i++)
        if (strcmp(said[i].name, q->name) == 0) {
            a.status = said[i].status;
            a.secure = said[i].secure;
        }
    if (a.status == ANSWER_OK) {
        a.count = strcmp(q->name, "lone.test") == 0 ? 1 : 2;
        a.host[0] = (struct answer_host){.name = "mx.test"};
        a.host[1] = (struct answer_host){.name = "mx2.test"};
        assert_true(addr_read(SPAN("192.0.2.1"), &a.host[0].at));
        assert_true(addr_read(SPAN("192.0.2.3"), &a.host[1].at));
    }
    line_answer(o->line, &a);
}

/* `to`: NULL or what the mail server chose. */
static void find_in(struct find *f, const char *domain, const struct domain *rule,
                    const struct addr *to)
{
    struct event_base *base = loop_new();
    struct oracle o = {.refuses = -1};
    struct own own = {.address_count = 0};

    o.line = line_within(base, hear_of, &o);
    o.is_over = find_start(f, o.line, span_of(domain), rule, &own, to, over, &o);
    for (unsigned i = 0; i < 100 && !o.is_over; i++)
        (void)event_base_loop(base, EVLOOP_ONCE);
    assert_true(o.is_over);
    find_clear(f);
    line_free(&o.line);
    event_base_free(base);
}

/* Where the mail server chose the server: no way past what the domain's own must prove. */
static void test_chosen(void **state)
{
    static const struct {
        const char *domain, *hosts, *to;
        enum domain_dane dane;
        enum fail fail;
        const char *name; /* that it must prove, "" if there is none */
    } rows[] = {
        {"signed.test", "", "192.0.2.1", DOMAIN_DANE_ON, FAIL_NOT, "mx.test"},
        {"signed.test", "", "192.0.2.3", DOMAIN_DANE_ON, FAIL_NOT, "mx2.test"},
        {"lone.test", "", "192.0.2.2", DOMAIN_DANE_ON, FAIL_NOT, "mx.test"},
        {"signed.test", "", "192.0.2.2", DOMAIN_DANE_ON, FAIL_ELSEWHERE, NULL},
        {"signed.test", "", "192.0.2.2", DOMAIN_DANE_REQUIRED, FAIL_ELSEWHERE, NULL},
        {"signed.test", "", "192.0.2.2", DOMAIN_DANE_OFF, FAIL_NOT, ""},
        {"x.test", "[192.0.2.9], mx.test", "192.0.2.2", DOMAIN_DANE_ON, FAIL_ELSEWHERE, NULL},
        {"plain.test", "", "192.0.2.1", DOMAIN_DANE_ON, FAIL_NOT, "mx.test"},
        {"plain.test", "", "192.0.2.2", DOMAIN_DANE_ON, FAIL_NOT, ""},
        {"none.test", "", "192.0.2.2", DOMAIN_DANE_ON, FAIL_NOT, ""},
        {"null.test", "", "192.0.2.2", DOMAIN_DANE_ON, FAIL_NOT, ""},
        {"dead.test", "", "192.0.2.2", DOMAIN_DANE_ON, FAIL_DNS, NULL},
        {"bogus.test", "", "192.0.2.2", DOMAIN_DANE_ON, FAIL_DNSSEC, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct domain rule = {.smtp_hosts = ""};
        struct addr to = {.port = 0};
        struct find f;

        option_defaults(domain_options, &rule);
        rule.allow_private_destinations = true;
        rule.use_mta_sts = false;
        rule.use_dane = rows[i].dane;
        rule.smtp_hosts = rows[i].hosts;
        assert_true(addr_read(span_of(rows[i].to), &to));
        to.port = 25;
        find_in(&f, rows[i].domain, &rule, &to);
        assert_row(f.fail == rows[i].fail, rows[i].domain);
        assert_row(f.route.count == (rows[i].name != NULL), rows[i].domain);
        if (rows[i].name)
            assert_row(!strcmp(f.route.at[0].name, rows[i].name) &&
                           !memcmp(f.route.at[0].at.ip, to.ip, sizeof to.ip),
                       rows[i].domain);
    }
}

/* Of several hosts that lead nowhere: who did not say may have known more. */
static void test_worst(void **state)
{
    static const struct {
        const char *hosts;
        enum fail fail;
    } rows[] = {
        {"lookup-mx:none.test, lookup-mx:null.test", FAIL_NO_DOMAIN},
        {"lookup-mx:none.test, lookup-mx:dead.test", FAIL_DNS},
        {"lookup-mx:dead.test, lookup-mx:none.test", FAIL_DNS},
        {"lookup-mx:bogus.test, lookup-mx:none.test", FAIL_DNSSEC},
        {"lookup-mx:bogus.test, lookup-mx:dead.test", FAIL_DNS},
        {"lookup-mx:dead.test, lookup-mx:plain.test", FAIL_NOT},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct domain rule = {.smtp_hosts = ""};
        struct find f;

        option_defaults(domain_options, &rule);
        rule.allow_private_destinations = true;
        rule.use_mta_sts = false;
        rule.smtp_hosts = rows[i].hosts;
        find_in(&f, "x.test", &rule, NULL);
        assert_row(f.fail == rows[i].fail, rows[i].hosts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chosen),      cmocka_unit_test(test_worst),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_again),
        cmocka_unit_test(test_rollup_asks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
