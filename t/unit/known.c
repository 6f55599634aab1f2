/* SPDX-License-Identifier: Apache-2.0
 *
 * Of whom TLSA records are asked and for whom they count, and what it means that nobody says them.
 */
#include "way/known.h"

#include <event2/event.h>

#include "net/loop.h"

#include <stdio.h>

#include "unit.h"

/* Who is asked, and how it answers. */
struct oracle {
    struct event_base *base;
    struct line *line;
    enum answer_status status;
    unsigned asked, heard;
};

static void hear(void *arg, const struct question *q)
{
    struct oracle *o = arg;
    struct answer a = {
        .number = q->number, .kind = q->kind, .status = o->status, .count = 1, .lasts = 60};

    assert_int_equal(QUESTION_TLSA, q->kind);
    o->asked++;
    if (o->status == ANSWER_BOGUS)
        return; /* it says nothing at all */
    a.tlsa.state = TLSA_USABLE;
    a.tlsa.at[0] = (struct tlsa){.usage = 3, .len = 32};
    (void)snprintf(a.tlsa.base, sizeof a.tlsa.base, "%s", q->name);
    line_answer(o->line, &a);
}

static void begin(struct oracle *o, enum answer_status status)
{
    *o = (struct oracle){.base = loop_new(), .status = status};
    o->line = line_within(o->base, hear, o);
}

static void end(struct oracle *o)
{
    line_free(&o->line);
    event_base_free(o->base);
}

static void heard(void *arg)
{
    unsigned *times = arg;

    (*times)++;
}

static struct domain rule(enum domain_dane dane)
{
    struct domain d;

    option_defaults(domain_options, &d);
    d.use_dane = dane;
    return d;
}

static struct candidate candidate(const char *name, uint16_t port)
{
    struct candidate c = {.at.port = port, .secure = true};

    (void)snprintf(c.name, sizeof c.name, "%s", name);
    return c;
}

/* True: all was known. Answers come with the loop. */
static bool learn(struct known *k, struct oracle *o, const struct candidate *c)
{
    struct domain d = rule(DOMAIN_DANE_ON);
    bool known = known_learn(k, o->line, &d, true, c, heard, &o->heard);

    (void)event_base_loop(o->base, EVLOOP_NONBLOCK);
    return known;
}

static enum tlsa_state told(const struct known *k, const struct candidate *c)
{
    static struct find nothing;
    struct candidate_facts facts;

    known_tell(k, &nothing, c, &facts);
    return facts.tlsa;
}

static void test_counts(void **state)
{
    static const struct {
        const char *why;
        enum domain_dane dane;
        bool validates, secure;
        const char *name;
        bool counts;
    } rows[] = {
        {"all is there", DOMAIN_DANE_ON, true, true, "mx.test", true},
        {"required", DOMAIN_DANE_REQUIRED, true, true, "mx.test", true},
        {"not heeded", DOMAIN_DANE_OFF, true, true, "mx.test", false},
        {"nothing is validated", DOMAIN_DANE_ON, false, true, "mx.test", false},
        {"a name without DNSSEC (RFC 7672, 2.2.1)", DOMAIN_DANE_ON, true, false, "mx.test", false},
        {"no name", DOMAIN_DANE_ON, true, true, "", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct domain d = rule(rows[i].dane);
        struct candidate c = candidate(rows[i].name, 25);

        c.secure = rows[i].secure;
        assert_row(known_counts(&d, &c, rows[i].validates) == rows[i].counts, rows[i].why);
    }
}

/* Nothing that was not said is taken for "there are none". */
static void test_not_said(void **state)
{
    struct candidate c = candidate("mx.test", 25), other = candidate("mx2.test", 25);
    struct known k = {.port = 0};
    struct oracle o;

    (void)state;
    begin(&o, ANSWER_FAILED);
    assert_false(learn(&k, &o, &c));
    assert_int_equal(1, o.heard);
    assert_int_equal(TLSA_FAILED, told(&k, &c));
    known_clear(&k);
    assert_int_equal(TLSA_NONE, told(&k, &c));
    end(&o);

    begin(&o, ANSWER_BOGUS);
    assert_false(learn(&k, &o, &c));
    assert_int_equal(0, o.heard);
    known_give_up(&k);
    assert_int_equal(TLSA_FAILED, told(&k, &c));
    assert_int_equal(0, known_dane(&k, &c).count);
    assert_true(learn(&k, &o, &c)); /* and not asked again for its other addresses */
    assert_int_equal(1, o.asked);
    assert_int_equal(TLSA_NONE, told(&k, &other));
    known_clear(&k);
    end(&o);
}

/* What one server must match is not what another must. */
static void test_whose(void **state)
{
    const struct candidate all[] = {candidate("mx.test", 25), candidate("mx.test", 26),
                                    candidate("mx2.test", 25)};
    struct known k = {.port = 0};
    struct oracle o;

    (void)state;
    begin(&o, ANSWER_OK);
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        assert_false(learn(&k, &o, &all[i]));
        assert_true(learn(&k, &o, &all[i]));
        assert_int_equal(i + 1, o.asked);
        assert_int_equal(i + 1, o.heard);
        assert_string_equal(all[i].name, known_dane(&k, &all[i]).base);
        for (size_t j = 0; j < COUNT_OF(all); j++)
            assert_int_equal(i == j ? TLSA_USABLE : TLSA_NONE, told(&k, &all[j]));
    }
    assert_true(learn(&k, &o, &all[0])); /* of a moment ago */
    assert_int_equal(TLSA_USABLE, told(&k, &all[0]));
    assert_int_equal(COUNT_OF(all), o.asked);
    known_clear(&k);
    end(&o);
}

/* The certificate may be for the recipients' domain (RFC 7672, 3.2.2) where its MX led here; a
 * server that was written down is nobody's MX. */
static void test_domain(void **state)
{
    static const struct {
        enum host_kind kind;
        const char *domain;
    } rows[] = {{HOST_LOOKUP_MX, "a.test"}, {HOST_NAME, ""}, {HOST_ADDRESS, ""}};
    struct candidate c = candidate("mx.test", 25);
    struct known k = {.port = 0};
    struct oracle o;

    (void)state;
    begin(&o, ANSWER_OK);
    assert_false(learn(&k, &o, &c));
    assert_string_equal("", known_dane(&k, &c).domain);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct host by = {.kind = rows[i].kind, .name = "a.test"};

        c.by = &by;
        assert_string_equal(rows[i].domain, known_dane(&k, &c).domain);
    }
    known_clear(&k);
    end(&o);
}

/* A policy of the name that led to the server, and whether it names that. */
static void test_policy(void **state)
{
    static const struct {
        const char *server, *second;
        bool lists;
    } rows[] = {{"mx.test", "x.test", true},
                {"mx2.test", "mx2.test", true},
                {"mx2.test", "x.test", false},
                {"", "", false}, /* of an address alone nothing is known */
                {"", "x.test", false}};
    struct answer policy = {.kind = QUESTION_STS, .count = 2, .sts.mode = STS_ENFORCE};
    struct known k = {.port = 0};
    static struct find f;

    (void)state;
    (void)snprintf(policy.sts.mx[0], DNS_NAME, "mx.test");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct candidate c = candidate(rows[i].server, 25);
        struct candidate_facts facts;

        (void)snprintf(policy.sts.mx[1], DNS_NAME, "%s", rows[i].second);
        for (size_t host = 0; host < 2; host++) {
            f = (struct find){.hosts.count = 2};
            f.look[1].policy = &policy;
            c.by = &f.hosts.at[host];
            known_tell(&k, &f, &c, &facts);
            assert_int_equal(host ? STS_ENFORCE : STS_NONE, facts.sts);
            assert_row(facts.sts_lists == (host && rows[i].lists), rows[i].second);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts), cmocka_unit_test(test_not_said),
        cmocka_unit_test(test_whose),  cmocka_unit_test(test_domain),
        cmocka_unit_test(test_policy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
