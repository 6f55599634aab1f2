/* SPDX-License-Identifier: Apache-2.0
 *
 * inspect_way - the first half: the rule, what the domain publishes, and who its servers are.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/dig.h"
#include "cli/inspect.h"
#include "cli/show.h"
#include "sts/sts_record.h"
#include "way/roll.h"

enum { TRAIL = 64, MX_MOST = 64 };

static double limit(const struct inspect *i)
{
    double all = (double)i->rule->route_deadline;

    return i->plan.seconds && (double)i->plan.seconds < all ? (double)i->plan.seconds : all;
}

struct dig *inspect_dig(struct inspect *i, const char *name, enum dns_type type)
{
    struct dig *d = dig_new(i->oracle.resolve, name, type);

    if (d)
        (void)!inspect_wait(i, &d->done, limit(i), "name servers: ", name);
    return d;
}

static void report_rule(struct inspect *i)
{
    const struct settings *s = i->settings;
    const struct domain *trail[TRAIL];
    const char *name = i->rollup ? i->rollup->name : i->domain;
    size_t count = domains_trail(s->domain_sections, s->domain_section_count, s->macros,
                                 span_of(name), trail, TRAIL);

    sheet_list(&i->sheet, i->rollup ? "rollup-rule" : "rule");
    for (size_t n = 0; n < count; n++) {
        char text[SHOW_SECTION];

        show_section(s, trail[n], text);
        sheet_text(&i->sheet, NULL, text);
    }
    if (!count)
        sheet_text(&i->sheet, NULL, "no domain section matches; all is default");
    sheet_list_end(&i->sheet);
}

static void report_rollup(struct inspect *i)
{
    const struct rollup_mx *mx = i->rollup;

    if (!mx)
        return;
    sheet_printf(&i->sheet, "rollup", "%s, by mx %s, %s:%u", mx->name, mx->head.title,
                 mx->head.file, mx->head.line);
    report_rule(i);
}

static void report_text_record(void *arg, struct span text)
{
    struct sheet *r = arg;
    static const struct span lead = {"v=STSv1", 7};

    if (text.len >= lead.len && memcmp(text.at, lead.at, lead.len) == 0)
        sheet_printf(r, NULL, "%.*s", SPAN_ARG(text));
}

static void report_record(struct inspect *i, const char *domain)
{
    char name[DNS_NAME + 16];
    struct dig *d;

    snprintf(name, sizeof name, "_mta-sts.%s", domain);
    d = strlen(name) < DNS_NAME ? inspect_dig(i, name, DNS_TXT) : NULL;
    sheet_list(&i->sheet, "record");
    if (d && d->how == RESOLVED_NAMED)
        (void)!dns_read_texts(dig_message(d), report_text_record, &i->sheet);
    else if (!d || d->how != RESOLVED_ABSENT)
        sheet_text(&i->sheet, NULL, inspect_state(i, d ? d->how : RESOLVED_UNKNOWN, false));
    sheet_list_end(&i->sheet);
    dig_free(&d);
}

static void report_policy(struct inspect *i, const char *key, const struct kept *k)
{
    sheet_printf(&i->sheet, key, "%s, id %s, max-age %lu s", sts_mode_word(k->policy.mode), k->id,
                 (unsigned long)k->policy.max_age);
}

static void report_cached(struct inspect *i, const struct kept *k)
{
    char until[SHEET_TIME];

    report_policy(i, "cached", k);
    sheet_text(&i->sheet, "cached-until",
               sheet_time((time_t)(k->fetched + k->policy.max_age), until));
}

static void report_fetched(struct inspect *i)
{
    const struct oracle_fetched *f = &i->oracle.fetched;

    if (!f->done)
        sheet_verdict(&i->sheet, "fetched", false, "no answer in time");
    else if (f->has)
        report_policy(i, "fetched", &f->kept);
    else if (f->trouble == STS_FINE)
        sheet_text(&i->sheet, "fetched", "there is no policy");
    else {
        char text[400];

        snprintf(text, sizeof text, "%s: %s", sts_trouble_word(f->trouble), f->why);
        sheet_verdict(&i->sheet, "fetched", false, text);
    }
}

static void report_sts(struct inspect *i, const char *domain)
{
    struct kept cached;
    bool has = oracle_cached(&i->oracle, domain, &cached);
    const struct kept *counts;

    oracle_fetch(&i->oracle, domain);
    (void)!inspect_wait(i, &i->oracle.fetched.done, limit(i), "MTA-STS policy of ", domain);
    counts = has ? &cached : i->oracle.fetched.has ? &i->oracle.fetched.kept : NULL;
    sheet_open(&i->sheet, "mta-sts", i->sheet.json ? NULL : domain);
    report_record(i, domain);
    report_fetched(i);
    if (has)
        report_cached(i, &cached);
    else
        sheet_text(&i->sheet, "cached", i->oracle.store ? "none" : i->oracle.no_store);
    sheet_text(&i->sheet, "counts", !counts ? "none" : has ? "cached" : "fetched");
    sheet_list(&i->sheet, "mx");
    for (size_t n = 0; counts && n < counts->policy.count; n++)
        sheet_text(&i->sheet, NULL, counts->policy.mx[n]);
    sheet_list_end(&i->sheet);
    sheet_close(&i->sheet);
}

static bool is_on_route(const struct inspect *i, const char *name)
{
    const struct route *r = &i->find.route;

    for (size_t n = 0; n < r->count + r->dropped; n++)
        if (strcasecmp(r->at[n].name, name) == 0)
            return true;
    return false;
}

static const char *lack_of(struct inspect *i, const char *name)
{
    struct dig *v4 = inspect_dig(i, name, DNS_A), *v6 = inspect_dig(i, name, DNS_AAAA);
    const char *lack = "no address";

    for (int n = 0; n < 2; n++) {
        const struct dig *d = n ? v6 : v4;

        if (!d || !d->done || d->how == RESOLVED_UNKNOWN)
            lack = "no name server says its address";
        else if (d->how == RESOLVED_BOGUS)
            lack = "its address is bogus";
    }
    dig_free(&v4);
    dig_free(&v6);
    return lack;
}

static int by_preference(const void *a, const void *b)
{
    const struct dns_record *x = a, *y = b;
    int order = (x->preference > y->preference) - (x->preference < y->preference);

    return order ? order : strcmp(x->name, y->name);
}

static void report_mx_records(struct inspect *i, const struct dig *d)
{
    struct dns_record mx[MX_MOST];
    size_t count = 0;

    if (d->how != RESOLVED_NAMED || !dns_read(dig_message(d), DNS_MX, mx, MX_MOST, &count))
        return;
    qsort(mx, count, sizeof *mx, by_preference);
    for (size_t n = 0; n < count; n++) {
        bool lost = mx[n].name[0] && !is_on_route(i, mx[n].name);

        sheet_printf(&i->sheet, NULL, "%u %s%s%s", mx[n].preference,
                     mx[n].name[0] ? mx[n].name : ".", lost ? ", left out: " : "",
                     lost ? lack_of(i, mx[n].name) : "");
    }
}

/* MX of a domain that is looked up. */
static void report_mx(struct inspect *i, const char *domain)
{
    struct dig *d = inspect_dig(i, domain, DNS_MX);
    enum resolved how = d && d->done ? d->how : RESOLVED_UNKNOWN;

    sheet_open(&i->sheet, "mx", i->sheet.json ? NULL : domain);
    sheet_text(&i->sheet, "of", domain);
    sheet_text(&i->sheet, "exists",
               how == RESOLVED_ABSENT  ? "no"
               : how == RESOLVED_NAMED ? "yes"
                                       : "unknown");
    sheet_text(&i->sheet, "dnssec", inspect_state(i, how, d && d->secure));
    sheet_list(&i->sheet, "records");
    if (d)
        report_mx_records(i, d);
    sheet_list_end(&i->sheet);
    sheet_close(&i->sheet);
    dig_free(&d);
}

static void report_hosts(struct inspect *i)
{
    const struct hosts *h = &i->find.hosts;

    if (i->rule->smtp_hosts[0])
        sheet_text(&i->sheet, "smtp-hosts", i->rule->smtp_hosts);
    sheet_list(&i->sheet, "lookups");
    for (size_t n = 0; n < h->count; n++) {
        if (h->at[n].kind == HOST_ADDRESS)
            continue;
        sheet_open(&i->sheet, NULL, NULL);
        if (h->at[n].kind == HOST_LOOKUP_MX)
            report_mx(i, h->at[n].name);
        if (i->rule->use_mta_sts)
            report_sts(i, h->at[n].name);
        sheet_close(&i->sheet);
    }
    sheet_list_end(&i->sheet);
}

static void report_dropped(struct inspect *i)
{
    static const char *const why[] = {
        [ROUTE_STAYS] = "",
        [ROUTE_OWN] = "it is ourselves",
        [ROUTE_BEYOND] = "no better than ourselves",
        [ROUTE_PRIVATE] = "a private address; allow-private-destinations",
    };
    const struct route *r = &i->find.route;
    char at[ADDR_TEXT];

    sheet_list(&i->sheet, "dropped");
    for (size_t n = r->count; n < r->count + r->dropped; n++)
        sheet_printf(&i->sheet, NULL, "%s %s: %s", r->at[n].name, addr_port_text(&r->at[n].at, at),
                     why[r->at[n].drop]);
    sheet_list_end(&i->sheet);
}

static void report_memory(struct inspect *i)
{
    const char *text = "off";

    if (i->rule->starttls_memory > 0)
        text = !i->oracle.store ? i->oracle.no_store
               : i->find.seen   ? "the domain has shown TLS"
                                : "nothing is remembered";
    sheet_text(&i->sheet, "starttls-memory", text);
}

static void on_found(void *arg)
{
    *(bool *)arg = true;
}

static void find(struct inspect *i)
{
    double began = clock_mono();
    bool well;

    i->done = find_start(&i->find, i->oracle.line, span_of(i->domain), i->rule, &i->own, NULL,
                         on_found, &i->done);
    well = inspect_wait(i, &i->done, limit(i), "servers of ", i->domain);
    i->spent += clock_mono() - began;
    if (well)
        return;
    find_cancel(&i->find);
    i->find.fail = FAIL_DNS;
    i->find.route.count = 0;
}

/* As sallyport-out does it. */
static void roll_up(struct inspect *i)
{
    const struct domain *own = i->rule;

    if (i->find.fail != FAIL_NOT || !(i->rollup = roll_find(i->settings, own, &i->find.route)))
        return;
    i->rule = domains_find(i->settings->domains, span_of(i->rollup->name));
    if (!roll_leads_away(own, i->rule))
        return;
    find_clear(&i->find);
    find(i);
}

/* Our key may be for others to read: then it goes without, and says so. */
static bool make_manners(struct inspect *i, char *why, size_t size)
{
    const struct domain *rules[] = {domains_at(i->settings->domains, 0), i->rule};

    if ((i->manners = manners_of(rules, COUNT_OF(rules), why, size)))
        return true;
    if (i->rule->smtp_client_certificate.count == 0)
        return false;
    text_copy(i->no_key, sizeof i->no_key, span_of(why));
    i->keyless = *i->rule;
    i->keyless.smtp_client_certificate = (struct cert_files){.count = 0};
    i->rule = rules[1] = &i->keyless;
    return (i->manners = manners_of(rules, COUNT_OF(rules), why, size)) != NULL;
}

static bool report_key(struct inspect *i)
{
    const struct domain *rule = i->rule;
    char why[1100] = "";
    bool well = make_manners(i, why, sizeof why);

    if (rule->smtp_client_certificate.count > 0)
        sheet_text(&i->sheet, "client-certificate", rule->smtp_client_certificate.at[0].file);
    if (*i->no_key)
        sheet_verdict(&i->sheet, "without-key", false, i->no_key);
    if (!well)
        snprintf(i->answer, sizeof i->answer, "sallyport-out does not start: %.400s", why);
    return well;
}

bool inspect_way(struct inspect *i)
{
    i->rule = domains_find(i->settings->domains, span_of(i->domain));
    report_rule(i);
    find(i);
    roll_up(i);
    report_rollup(i);
    report_hosts(i);
    report_dropped(i);
    report_memory(i);
    if (i->find.fail == FAIL_NOT)
        return report_key(i);
    sheet_verdict(&i->sheet, "why", false, fail_word(i->find.fail));
    text_copy(i->answer, sizeof i->answer, span_of(fail_reply(i->find.fail)));
    return false;
}
