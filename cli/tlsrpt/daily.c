/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tlsrpt/daily.h"

#include <inttypes.h>
#include <stdio.h>

#include "acct/cell.h"
#include "cli/report/stamp.h"

const char *daily_id(const struct reporter *by, const char *domain, char to[DAILY_NAME])
{
    char day[STAMP_TEXT];

    snprintf(to, DAILY_NAME, "%s.%s@%s", stamp_date_text(by->begin / STAMP_DAY, day), domain,
             by->submitter);
    return to;
}

const char *daily_filename(const struct reporter *by, const char *domain, char to[DAILY_NAME])
{
    snprintf(to, DAILY_NAME, "%s!%s!%" PRId64 "!%" PRId64 "!001.json.gz", by->submitter, domain,
             by->begin, by->begin + STAMP_DAY - 1);
    return to;
}

static bool quote(struct buf *to, struct span value)
{
    char *at = buf_reserve(to, cell_room(value));

    if (at)
        buf_grew(to, cell_json(at, value));
    return at != NULL;
}

/* "key":"value" */
static bool text(struct buf *to, const char *key, const char *value)
{
    return buf_addf(to, "\"%s\":", key) && quote(to, span_of(value));
}

/* The same behind a comma, or nothing if there is nothing. */
static bool more(struct buf *to, const char *key, const char *value)
{
    return !*value || (buf_addf(to, ",") && text(to, key, value));
}

/* Items of a list that begin so, without that. "" is all of them as they are. */
static bool items(struct buf *to, const char *key, const char *list, const char *begin)
{
    struct span rest = span_of(list);
    size_t skip = strlen(begin);
    bool ok = buf_addf(to, ",\"%s\":[", key), some = false;

    while (ok && rest.len > 0) {
        struct span item = span_trim(span_cut(&rest, ';'));

        if (!span_starts(item, begin))
            continue;
        ok = (!some || buf_addf(to, ",")) && quote(to, span_after(item, skip));
        some = true;
    }
    return ok && buf_addf(to, "]");
}

/* Words of ours where the text of a policy is not known are none of it. */
static bool is_known(const struct policy *p)
{
    return *p->text && strcmp(p->text, "tlsa") != 0 && strcmp(p->text, "sts") != 0 &&
           strcmp(p->type, "no-policy-found") != 0;
}

static bool write_policy(struct buf *to, const struct policy *p)
{
    bool known = is_known(p), is_sts = strcmp(p->type, "sts") == 0;

    return buf_addf(to, "{\"policy\":{") && text(to, "policy-type", p->type) &&
           (!known || items(to, "policy-string", p->text, "")) &&
           more(to, "policy-domain", p->domain) &&
           (!known || !is_sts || items(to, "mx-host", p->text, "mx: ")) &&
           buf_addf(to,
                    "},\"summary\":{\"total-successful-session-count\":%" PRIu64
                    ",\"total-failure-session-count\":%" PRIu64 "}",
                    p->good, p->failed);
}

static bool write_failure(struct buf *to, const struct failure *f)
{
    return buf_addf(to, "{") && text(to, "result-type", f->result) &&
           more(to, "sending-mta-ip", f->from) && more(to, "receiving-mx-hostname", f->mx) &&
           more(to, "receiving-ip", f->to) &&
           buf_addf(to, ",\"failed-session-count\":%" PRIu64, f->count) &&
           more(to, "failure-reason-code", f->reason) && buf_addf(to, "}");
}

static bool write_failures(struct buf *to, const struct policy *p)
{
    bool ok = buf_addf(to, ",\"failure-details\":[");

    for (const struct failure *f = p->failures; ok && f; f = f->next)
        ok = write_failure(to, f) && (!f->next || buf_addf(to, ","));
    return ok && buf_addf(to, "]");
}

static bool write_head(struct buf *to, const struct reporter *by, const char *domain)
{
    char day[STAMP_TEXT], id[DAILY_NAME];

    stamp_date_text(by->begin / STAMP_DAY, day);
    return buf_addf(to, "{") && text(to, "organization-name", by->organization) &&
           buf_addf(to,
                    ",\"date-range\":{\"start-datetime\":\"%sT00:00:00Z\","
                    "\"end-datetime\":\"%sT23:59:59Z\"},",
                    day, day) &&
           text(to, "contact-info", by->contact) && buf_addf(to, ",") &&
           text(to, "report-id", daily_id(by, domain, id));
}

bool daily_json(struct buf *to, const struct reporter *by, const struct domain_count *d)
{
    bool ok = write_head(to, by, d->name) && buf_addf(to, ",\"policies\":[");

    for (const struct policy *p = d->policies; ok && p; p = p->next)
        ok = write_policy(to, p) && (!p->failures || write_failures(to, p)) &&
             buf_addf(to, p->next ? "}," : "}");
    return ok && buf_addf(to, "]}\n");
}

uint64_t daily_good(const struct domain_count *d)
{
    uint64_t sum = 0;

    for (const struct policy *p = d->policies; p; p = p->next)
        sum += p->good;
    return sum;
}

uint64_t daily_failed(const struct domain_count *d)
{
    uint64_t sum = 0;

    for (const struct policy *p = d->policies; p; p = p->next)
        sum += p->failed;
    return sum;
}
