/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions become counts, and counts the report of RFC 8460's appendix B.
 */
#include "t/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/tlsrpt/daily.h"

#define STS "version: STSv1; mode: testing; mx: *.mail.company-y.example; max_age: 86400"

static const struct reporter company_x = {.organization = "Company-X",
                                          .contact = "sts-reporting@company-x.example",
                                          .submitter = "company-x.example",
                                          .begin = 1459468800};

/* The example's numbers, without additional-information, which is optional. */
static const char example[] =
    "{\"organization-name\":\"Company-X\",\"date-range\":{\"start-datetime\":"
    "\"2016-04-01T00:00:00Z\",\"end-datetime\":\"2016-04-01T23:59:59Z\"},\"contact-info\":"
    "\"sts-reporting@company-x.example\",\"report-id\":"
    "\"2016-04-01.company-y.example@company-x.example\",\"policies\":[{\"policy\":{\"policy-type\":"
    "\"sts\",\"policy-string\":[\"version: STSv1\",\"mode: testing\","
    "\"mx: *.mail.company-y.example\",\"max_age: 86400\"],\"policy-domain\":\"company-y.example\","
    "\"mx-host\":[\"*.mail.company-y.example\"]},\"summary\":{\"total-successful-session-count\":"
    "5326,\"total-failure-session-count\":303},\"failure-details\":[{\"result-type\":"
    "\"certificate-expired\",\"sending-mta-ip\":\"2001:db8:abcd:12::1\",\"receiving-mx-hostname\":"
    "\"mx1.mail.company-y.example\",\"failed-session-count\":100},{\"result-type\":"
    "\"starttls-not-supported\",\"sending-mta-ip\":\"2001:db8:abcd:13::1\","
    "\"receiving-mx-hostname\":\"mx2.mail.company-y.example\",\"receiving-ip\":\"203.0.113.56\","
    "\"failed-session-count\":200},{\"result-type\":\"validation-failure\",\"sending-mta-ip\":"
    "\"198.51.100.62\",\"receiving-mx-hostname\":\"mx-backup.mail.company-y.example\","
    "\"receiving-ip\":\"203.0.113.58\",\"failed-session-count\":3,\"failure-reason-code\":"
    "\"X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED\"}]}]}\n";

static struct session session_of(enum session_is is, const char *id)
{
    return (struct session){.is = is,
                            .domain = SPAN("company-y.example"),
                            .type = SPAN("sts"),
                            .text = SPAN(STS),
                            .policy_domain = SPAN("company-y.example"),
                            .id = span_of(id)};
}

/* Each twice: as many messages went over it. */
static void add_many(struct census *c, struct session s, unsigned count)
{
    static unsigned number;
    char id[24];

    for (unsigned i = 0; i < count; i++) {
        snprintf(id, sizeof id, "S%u", number++);
        s.id = span_of(id);
        assert_true(census_mark(c, &s));
        assert_true(census_add(c, &s));
        assert_true(census_add(c, &s));
    }
}

static void compare(void *arg, const struct domain_count *d)
{
    struct buf json;

    buf_init(&json, 1 << 20);
    assert_true(daily_json(&json, &company_x, d));
    assert_span(buf_peek(&json), example);
    buf_clear(&json);
    ++*(int *)arg;
}

static void the_example(void **state)
{
    struct census *c = census_new();
    struct session s = session_of(SESSION_GOOD, "");
    int domains = 0;

    (void)state;
    assert_non_null(c);
    add_many(c, s, 5326);
    s.is = SESSION_FAILED;
    s.result = SPAN("certificate-expired");
    s.from = SPAN("2001:db8:abcd:12::1");
    s.mx = SPAN("mx1.mail.company-y.example");
    add_many(c, s, 100);
    s.result = SPAN("starttls-not-supported");
    s.from = SPAN("2001:db8:abcd:13::1");
    s.mx = SPAN("mx2.mail.company-y.example");
    s.to = SPAN("203.0.113.56");
    add_many(c, s, 200);
    s.result = SPAN("validation-failure");
    s.from = SPAN("198.51.100.62");
    s.mx = SPAN("mx-backup.mail.company-y.example");
    s.to = SPAN("203.0.113.58");
    s.reason = SPAN("X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED");
    add_many(c, s, 3);
    census_each(c, compare, &domains);
    assert_int_equal(domains, 1);
    census_free(&c);
}

static void sum(void *arg, const struct domain_count *d)
{
    uint64_t *to = arg;

    to[0] += daily_good(d);
    to[1] += daily_failed(d);
    to[2]++;
}

/* What carried a report does not count, whatever else it carried; nor do attempts to send it. */
static void reports_are_left_out(void **state)
{
    struct session all[] = {session_of(SESSION_GOOD, "A"),   session_of(SESSION_REPORT, "A"),
                            session_of(SESSION_FAILED, "B"), session_of(SESSION_REPORT, ""),
                            session_of(SESSION_GOOD, "M1"),  session_of(SESSION_FAILED, "C")};
    uint64_t sums[3] = {0};
    struct census *c = census_new();

    (void)state;
    assert_non_null(c);
    all[2].is_attempt = all[5].is_attempt = true;
    all[2].client = all[3].client = all[4].client = SPAN("M1");
    for (size_t i = 0; i < COUNT_OF(all); i++)
        assert_true(census_mark(c, &all[i]));
    for (size_t i = 0; i < COUNT_OF(all); i++)
        assert_true(census_add(c, &all[i]));
    census_each(c, sum, sums);
    assert_int_equal(sums[0], 1); /* its id is another's */
    assert_int_equal(sums[1], 1); /* nobody knows whose it was */
    census_free(&c);
}

/* One connection for two domains is one of each; names come in order. */
static void several_domains(void **state)
{
    struct session one = session_of(SESSION_GOOD, "A"), other = one;
    uint64_t sums[3] = {0};
    struct census *c = census_new();

    (void)state;
    assert_non_null(c);
    other.domain = SPAN("a.test");
    assert_true(census_add(c, &one));
    assert_true(census_add(c, &other));
    census_each(c, sum, sums);
    assert_int_equal(sums[0], 2);
    assert_int_equal(sums[2], 2);
    census_free(&c);
}

/* clang-format off */
static const struct {
    const char *name;
    struct session other;
    unsigned policies, failures;
} differences[] = {
    {"none",              {.type = SPAN("sts")},                     1, 1},
    {"type of policy",    {.type = SPAN("tlsa")},                    2, 2},
    {"text of policy",    {.text = SPAN("version: STSv1")},          2, 2},
    {"domain of policy",  {.policy_domain = SPAN("mx.test")},        2, 2},
    {"result",            {.result = SPAN("certificate-expired")},   1, 2},
    {"reason",            {.reason = SPAN("why")},                   1, 2},
    {"our address",       {.from = SPAN("192.0.2.1")},               1, 2},
    {"name of server",    {.mx = SPAN("mx.test")},                   1, 2},
    {"address of server", {.to = SPAN("192.0.2.2")},                 1, 2},
};
/* clang-format on */

static void differ(struct session *s, const struct session *other)
{
    struct span *to[] = {&s->type, &s->text, &s->policy_domain, &s->result, &s->reason, &s->from,
                         &s->mx,   &s->to};
    const struct span *from[] = {&other->type,   &other->text,   &other->policy_domain,
                                 &other->result, &other->reason, &other->from,
                                 &other->mx,     &other->to};

    for (size_t i = 0; i < COUNT_OF(to); i++)
        if (from[i]->at)
            *to[i] = *from[i];
}

static void count_parts(void *arg, const struct domain_count *d)
{
    unsigned *parts = arg;

    for (const struct policy *p = d->policies; p; p = p->next) {
        parts[0]++;
        for (const struct failure *f = p->failures; f; f = f->next)
            parts[1]++;
    }
}

/* Two sessions are counted together where a report says the same of both. */
static void what_is_counted_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(differences); i++) {
        struct session one = session_of(SESSION_FAILED, "A"), two = session_of(SESSION_FAILED, "B");
        struct census *c = census_new();
        unsigned parts[2] = {0};

        assert_non_null(c);
        one.result = two.result = SPAN("validation-failure");
        differ(&two, &differences[i].other);
        assert_true(census_add(c, &one) && census_add(c, &two));
        census_each(c, count_parts, parts);
        assert_row(parts[0] == differences[i].policies, differences[i].name);
        assert_row(parts[1] == differences[i].failures, differences[i].name);
        census_free(&c);
    }
}

static const struct {
    const char *type, *text;
    bool known;
} texts[] = {
    {"tlsa", "3 1 1 AB", true}, {"sts", STS, true},  {"tlsa", "tlsa", false},
    {"sts", "sts", false},      {"tlsa", "", false}, {"no-policy-found", "no-policy-found", false},
};

/* A word of ours is not passed off as the text of a policy. */
static void policies_whose_text_is_not_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct policy p = {.type = texts[i].type, .text = texts[i].text, .domain = "a.test"};
        struct domain_count d = {.name = "a.test", .policies = &p};
        struct buf json;

        buf_init(&json, 1 << 20);
        assert_true(daily_json(&json, &company_x, &d) && buf_add(&json, SPAN("\0")));
        assert_row(texts[i].known == !!strstr(buf_peek(&json).at, "policy-string"), texts[i].text);
        buf_clear(&json);
    }
}

static void look_at_bounds(void *arg, const struct domain_count *d)
{
    size_t policies = 0, *most = arg;

    for (const struct policy *p = d->policies; p; p = p->next) {
        policies++;
        if (p->failure_count > *most)
            *most = p->failure_count;
    }
    assert_true(policies <= POLICIES_MOST + 1);
    assert_int_equal(daily_failed(d), 2000);
}

/* Whoever has many addresses, or another policy each minute, does not fill memory; all count. */
static void bounds(void **state)
{
    struct census *c = census_new();
    struct session s = session_of(SESSION_FAILED, "");
    char id[24], to[24], text[40], mx[40];
    size_t most = 0;

    (void)state;
    assert_non_null(c);
    s.result = SPAN("validation-failure");
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(id, sizeof id, "S%u", i);
        snprintf(to, sizeof to, "192.0.2.%u", i);
        snprintf(text, sizeof text, "3 1 1 %u", i);
        s.id = span_of(id);
        s.to = span_of(to);
        snprintf(mx, sizeof mx, "mx%u.test", i);
        s.text = i < 1000 ? SPAN("3 1 1 AB") : span_of(text);
        s.policy_domain = i < 1500 ? SPAN("test") : span_of(mx);
        assert_true(census_add(c, &s));
    }
    census_each(c, look_at_bounds, &most);
    assert_in_range(most, 1, FAILURES_MOST + 1);
    census_free(&c);
}

static void names(void **state)
{
    char to[DAILY_NAME];

    (void)state;
    assert_string_equal(daily_filename(&company_x, "company-y.example", to),
                        "company-x.example!company-y.example!1459468800!1459555199!001.json.gz");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example),
        cmocka_unit_test(reports_are_left_out),
        cmocka_unit_test(several_domains),
        cmocka_unit_test(bounds),
        cmocka_unit_test(names),
        cmocka_unit_test(what_is_counted_apart),
        cmocka_unit_test(policies_whose_text_is_not_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
