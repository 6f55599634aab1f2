/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/count.h"

#include <stdlib.h>

#include "cli/report/counted.h"
#include "cli/report/files.h"
#include "cli/report/stamp.h"

const char *const field_names[FIELD_COUNT] = {
#define FIELD(name, types, what) #name,
#include "cli/report/field.def"
#undef FIELD
};

enum { NAMES_MOST = 1024 };

/* What is looked at of a row. */
struct seen {
    struct count *c;
    const struct span *cell;
    time_t at;
    struct report_day *day;     /* NULL: the time is not known */
    struct span domain, client; /* the client's address */
    char lower[256];
};

static void side_init(struct side *s)
{
    struct roster *const rosters[] = {&s->protocols, &s->ciphers,  &s->groups,
                                      &s->verify,    &s->policies, &s->results};

    for (size_t i = 0; i < COUNT_OF(rosters); i++)
        roster_init(rosters[i], sizeof(struct roster_head), NAMES_MOST, NULL, NULL);
}

static void side_clear(struct side *s)
{
    roster_clear(&s->protocols);
    roster_clear(&s->ciphers);
    roster_clear(&s->groups);
    roster_clear(&s->verify);
    roster_clear(&s->policies);
    roster_clear(&s->results);
}

struct count *count_new(const struct wish *wish)
{
    struct count *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->wish = wish;
    c->types_wanted = FILE_ALL_TYPES;
    side_init(&c->in);
    side_init(&c->out);
    parties_init(&c->domains);
    parties_init(&c->clients);
    failures_init(&c->failures);
    woulds_init(&c->woulds);
    return c;
}

void count_free(struct count **c)
{
    if (!*c)
        return;
    side_clear(&(*c)->in);
    side_clear(&(*c)->out);
    parties_clear(&(*c)->domains);
    parties_clear(&(*c)->clients);
    roster_clear(&(*c)->failures);
    roster_clear(&(*c)->woulds);
    days_clear(&(*c)->days);
    while ((*c)->kept) {
        struct kept *next = (*c)->kept->next;

        free((*c)->kept);
        (*c)->kept = next;
    }
    free(*c);
    *c = NULL;
}

static void tally(struct roster *r, struct span name)
{
    struct roster_head *e = name.at ? roster_get(r, name) : NULL;

    if (e)
        e->count++;
}

/* The part behind the last '@', in lower case; of a queue what is before '/'. */
static void find_domain(struct seen *s)
{
    struct span rcpt = s->cell[FIELD_rcpt], queue = s->cell[FIELD_queue];
    const char *at = rcpt.len ? memrchr(rcpt.at, '@', rcpt.len) : NULL;
    struct span domain = at ? span_after(rcpt, (size_t)(at - rcpt.at) + 1) : span_cut(&queue, '/');

    if (domain.len > 1 && domain.at[domain.len - 1] == '.')
        domain.len--;
    if (domain.len > sizeof s->lower)
        domain.len = sizeof s->lower;
    for (size_t i = 0; i < domain.len; i++)
        s->lower[i] =
            domain.at[i] >= 'A' && domain.at[i] <= 'Z' ? (char)(domain.at[i] | 0x20) : domain.at[i];
    s->domain = (struct span){s->lower, domain.len};
}

/* srcMta is "name (address)". */
static struct span source_name(struct span mta)
{
    const char *open = mta.len ? memrchr(mta.at, '(', mta.len) : NULL;

    return span_trim(open ? (struct span){mta.at, (size_t)(open - mta.at)} : mta);
}

static void find_client(struct seen *s)
{
    struct span mta = s->cell[FIELD_srcMta];
    const char *open = mta.len ? memrchr(mta.at, '(', mta.len) : NULL;

    s->client = s->cell[FIELD_rcvSourceIp];
    if (s->client.len > 0 || !open)
        return;
    mta = span_after(mta, (size_t)(open - mta.at) + 1);
    s->client = span_cut(&mta, ')');
}

static bool find_time(struct seen *s, const char **why)
{
    struct span text = s->cell[FIELD_timeLogged];
    struct count *c = s->c;

    if (text.len == 0)
        return true;
    if (text.len != c->stamp_len || memcmp(text.at, c->stamp, text.len) != 0) {
        if (!stamp_read(text, &c->at)) {
            c->stamp_len = 0;
            *why = "timeLogged is no time";
            return false;
        }
        c->stamp_len = text.len <= sizeof c->stamp ? text.len : 0;
        memcpy(c->stamp, text.at, c->stamp_len);
    }
    s->at = c->at;
    return true;
}

static bool is_wanted(struct seen *s)
{
    const struct wish *w = s->c->wish;

    if ((w->since && s->at < w->since) || (w->until && s->at >= w->until))
        return false;
    return wish_has_domain(w, s->domain) &&
           wish_has_source(w, s->client, s->cell[FIELD_sourceRule]);
}

static enum party_secrecy secrecy_of(struct span protocol, struct span cipher)
{
    if (!protocol.at && !cipher.at)
        return PARTY_UNKNOWN;
    return protocol.len || cipher.len ? PARTY_TLS : PARTY_CLEAR;
}

static void way_count(struct report_way *w, enum party_secrecy secrecy, bool judged, bool verified,
                      bool old)
{
    w->messages++;
    w->unknown += secrecy == PARTY_UNKNOWN;
    w->clear += secrecy == PARTY_CLEAR;
    if (secrecy != PARTY_TLS)
        return;
    w->tls++;
    w->verified += verified;
    w->unverified += judged && !verified;
    w->old += old;
}

/* Where the columns of a direction are. */
struct columns {
    enum field protocol, cipher, group, verify;
};

static const struct columns of_in = {FIELD_rcvTlsProtocol, FIELD_rcvTlsCipher, FIELD_rcvTlsGroup,
                                     FIELD_rcvTlsVerify};
static const struct columns of_out = {FIELD_dlvTlsProtocol, FIELD_dlvTlsCipher, FIELD_dlvTlsGroup,
                                      FIELD_dlvTlsVerify};

static bool holds(struct span text, const char *word)
{
    return text.len > 0 && memmem(text.at, text.len, word, strlen(word)) != NULL;
}

/* DANE vouches for certificates that no CA does. */
static bool is_verified(const struct seen *s, const struct columns *of)
{
    return span_is(s->cell[of->verify], "ok") ||
           (of == &of_out && span_is(s->cell[FIELD_dlvTlsPolicyResult], "met") &&
            holds(s->cell[FIELD_dlvTlsPolicy], "dane") &&
            !holds(s->cell[FIELD_dlvTlsPolicy], "dane-unusable"));
}

static enum party_secrecy side_count(struct seen *s, struct side *side, struct report_way *day,
                                     const struct columns *of, enum party_protocol *how)
{
    const struct span *cell = s->cell;
    enum party_secrecy secrecy = secrecy_of(cell[of->protocol], cell[of->cipher]);
    bool judged = cell[of->verify].at != NULL, verified = is_verified(s, of);

    *how = party_protocol(cell[of->protocol]);
    way_count(&side->way, secrecy, judged, verified, *how != PARTY_NEW_TLS);
    if (day)
        way_count(day, secrecy, judged, verified, *how != PARTY_NEW_TLS);
    if (secrecy == PARTY_TLS) {
        tally(&side->protocols, cell[of->protocol]);
        tally(&side->ciphers, cell[of->cipher]);
        tally(&side->groups, cell[of->group]);
        tally(&side->verify, cell[of->verify]);
    }
    return secrecy;
}

static void count_would_out(struct seen *s)
{
    struct span result = s->cell[FIELD_dlvTlsPolicyResult];
    const char *rule;

    if (span_is(result, "testing-failed"))
        rule = "mta-sts";
    else if (span_is(result, "reported"))
        rule = would_rule(s->cell[FIELD_dlvTlsPolicy], s->cell[FIELD_dlvTlsError]);
    else
        return;
    woulds_add(&s->c->woulds, false, span_of(rule), s->cell[FIELD_domainRule], s->domain);
}

/* Nothing but our own will stands behind TLS: "may", "none" or not known. */
static bool is_undemanded(struct span policy)
{
    return policy.len == 0 || span_starts_nocase(policy, "may") ||
           span_starts_nocase(policy, "none");
}

static void count_delivered(struct seen *s)
{
    const struct span *cell = s->cell;
    enum party_protocol how;
    enum party_secrecy secrecy =
        side_count(s, &s->c->out, s->day ? &s->day->out : NULL, &of_out, &how);
    struct party *p = parties_get(&s->c->domains, s->domain);

    tally(&s->c->out.policies, cell[FIELD_dlvTlsPolicy]);
    tally(&s->c->out.results, cell[FIELD_dlvTlsPolicyResult]);
    count_would_out(s);
    if (!p)
        return;
    party_count(p, s->at, secrecy, how);
    p->undemanded += is_undemanded(cell[FIELD_dlvTlsPolicy]);
    if (!span_is(cell[FIELD_dlvTlsVerify], "ok") || cell[FIELD_dlvTlsError].len > 0)
        p->spoiled = true;
}

static void count_received(struct seen *s)
{
    struct span rules = s->cell[FIELD_sourceReport], mta = s->cell[FIELD_srcMta];
    enum party_protocol how;
    enum party_secrecy secrecy =
        side_count(s, &s->c->in, s->day ? &s->day->in : NULL, &of_in, &how);
    struct party *p = parties_get(&s->c->clients, s->client.len ? s->client : mta);

    while (rules.len > 0) {
        struct span rule = span_cut(&rules, ' ');

        if (rule.len > 0)
            woulds_add(&s->c->woulds, true, rule, s->cell[FIELD_sourceRule], s->client);
    }
    if (!p)
        return;
    party_count(p, s->at, secrecy, how);
    if (!p->called)
        p->called = roster_text(source_name(mta));
}

/* What is only noted of TLS, or led to clear text, is not why the mail was refused. */
static bool is_by_tls(const struct span *cell, char type)
{
    return type == 'q' || cell[FIELD_dlvTlsPolicyResult].len == 0 ||
           span_is(cell[FIELD_dlvTlsPolicyResult], "failed");
}

static struct failure *add_failure(struct seen *s, char type)
{
    const struct span *cell = s->cell;
    struct span error = cell[FIELD_dlvTlsError];
    struct cause cause = {.error = is_by_tls(cell, type) ? error : SPAN(""),
                          .status = cell[FIELD_dsnStatus],
                          .category = cell[FIELD_bounceCat],
                          .domain = s->domain,
                          .server = cell[FIELD_dsnMta],
                          .diagnostic = cell[FIELD_dsnDiag],
                          .at = s->at};
    struct party *p = error.len ? parties_get(&s->c->domains, s->domain) : NULL;

    if (p)
        p->spoiled = true;
    return failures_add(&s->c->failures, &cause);
}

static void count_failed(struct seen *s, char type)
{
    struct failure *f = add_failure(s, type), none = {.bounced = 0};

    if (!f)
        f = &none;
    if (type == 'b') {
        s->c->bounced++;
        f->bounced++;
        if (s->day)
            s->day->bounced++;
    } else if (type == 't') {
        s->c->deferred++;
        f->deferred++;
        if (s->day)
            s->day->deferred++;
    } else {
        s->c->attempts++;
        f->attempts++;
    }
}

/* 'd', 'b', 't', 'r', 'q' of tq; 0: another. */
static char type_of(struct span type)
{
    if (type.len == 1 && strchr("dbtr", *type.at) && *type.at)
        return *type.at;
    return span_is(type, "tq") ? 'q' : '\0';
}

/* Columns that this row's file has. */
static void note_columns(struct count *c, const struct span *cell)
{
    for (int i = 0; i < FIELD_COUNT; i++)
        c->has[i] |= cell[i].at != NULL;
}

bool count_row(struct count *c, const struct span cell[FIELD_COUNT], const char **why)
{
    struct seen s = {.c = c, .cell = cell};
    char type = type_of(cell[FIELD_type]);

    c->rows++;
    if (!type) {
        c->types++;
        return true;
    }
    if (!find_time(&s, why)) {
        c->bad++;
        return false;
    }
    find_domain(&s);
    find_client(&s);
    note_columns(c, cell);
    if (!(c->types_wanted & FILE_TYPE(type)) || !is_wanted(&s)) {
        c->outside++;
        return true;
    }
    c->counted++;
    c->some[(unsigned char)type] = true;
    if (s.at) {
        s.day = days_get(&c->days, s.at / STAMP_DAY);
        if (!c->first || s.at < c->first)
            c->first = s.at;
        if (s.at > c->last)
            c->last = s.at;
    }
    if (type == 'd')
        count_delivered(&s);
    else if (type == 'r')
        count_received(&s);
    else
        count_failed(&s, type);
    return true;
}

void count_only(struct count *c, unsigned types)
{
    c->types_wanted = types;
}

void count_bad(struct count *c)
{
    c->rows++;
    c->bad++;
}
