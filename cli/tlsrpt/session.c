/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tlsrpt/session.h"

#include "acct/type.h"
#include "acct/wanted.h"
#include "cli/report/stamp.h"
#include "cli/tlsrpt/rua.h"
#include "rule/fail.h"

/* With _smtp._tls. before it. */
enum { DOMAIN_MOST = 242 };

const char *const session_fields[SESSION_FIELDS] = {
#define FIELD(name) #name,
#include "cli/tlsrpt/field.def"
#undef FIELD
    "header_" WANTED_REPORT,
};

static bool is_tlsa(struct span text)
{
    return span_is(text, "tlsa") || (text.len > 0 && *text.at >= '0' && *text.at <= '9');
}

/* As way/published.h writes it. Where it was not known, DNSSEC may be why. */
static struct span type_of(struct span text, struct span result)
{
    if (is_tlsa(text) || (text.len == 0 && span_is(result, "dnssec-invalid")))
        return SPAN("tlsa");
    return span_is(text, "sts") || span_starts(text, "version: STSv1") ? SPAN("sts")
                                                                       : SPAN("no-policy-found");
}

/* "mx.example.com (192.0.2.1)"; the name may be lacking, and then it is the address. */
static struct span name_of(struct span mta, struct span address)
{
    struct span name = span_cut(&mta, ' ');

    return span_same(name, address) ? SPAN("") : name;
}

static enum session_is judge(const struct span *cell, struct span result)
{
    bool secure = cell[SESSION_dlvTlsProtocol].len > 0;

    if (cell[SESSION_reportDomain].len > 0 || span_starts(cell[SESSION_envId], SESSION_ENVID))
        return SESSION_REPORT;
    if (cell[SESSION_dlvSessionId].len == 0)
        return span_is(result, "dnssec-invalid") ? SESSION_FAILED : SESSION_NONE;
    if (result.len > 0 && !(secure && span_is(cell[SESSION_dlvTlsPolicyResult], "reported")))
        return SESSION_FAILED;
    return secure ? SESSION_GOOD : SESSION_NONE;
}

/* The servers' TLSA records did; but the recipients' MTA-STS policy could not be had. */
static void blame_sts(struct session *s)
{
    if (!span_is(s->type, "tlsa") || !span_starts(s->result, "sts-"))
        return;
    s->type = s->text = SPAN("sts");
    s->policy_domain = SPAN("");
}

/* The policy's own domain is the recipients', but that of TLSA records is the server. */
static void find_domain(struct session *s, struct span queue)
{
    struct span recipients = span_cut(&queue, '/');
    bool other = span_is(s->type, "tlsa") || s->policy_domain.len == 0;

    s->domain = other && recipients.len > 0 ? recipients : s->policy_domain;
    if (s->policy_domain.len == 0)
        s->policy_domain = s->domain;
}

static bool is_of_day(struct span stamp, int64_t begin, const char **why)
{
    time_t at;

    if (!stamp_read(stamp, &at)) {
        *why = "timeLogged is no time";
        return false;
    }
    return at >= begin && at < begin + STAMP_DAY;
}

bool session_read(const struct span cell[SESSION_FIELDS], int64_t begin, struct session *out,
                  const char **why)
{
    struct span row[SESSION_FIELDS];
    struct session *s = out;
    int type;

    *why = NULL;
    for (size_t i = 0; i < SESSION_FIELDS; i++)
        row[i] = cell[i].at ? cell[i] : SPAN("");
    type = type_find(row[SESSION_type]);
    if (type < 0 || !type_has_queue(type) || !is_of_day(row[SESSION_timeLogged], begin, why))
        return false;
    *s = (struct session){.is_attempt = span_is(row[SESSION_type], "tq"),
                          .text = row[SESSION_dlvTlsPolicyText],
                          .policy_domain = row[SESSION_dlvTlsPolicyDomain],
                          .id = row[SESSION_dlvSessionId],
                          .client = row[SESSION_sessionId],
                          .from = row[SESSION_dlvSourceIp],
                          .to = row[SESSION_dlvDestinationIp]};
    s->result = span_of(fail_word_result(row[SESSION_dlvTlsError]));
    s->type = type_of(s->text, s->result);
    blame_sts(s);
    s->mx = name_of(row[SESSION_dsnMta], s->to);
    if (!span_same(s->result, row[SESSION_dlvTlsError]))
        s->reason = row[SESSION_dlvTlsError];
    s->is = judge(row, s->result);
    if (s->is == SESSION_FAILED && s->id.len == 0)
        s->id = s->client; /* where no server could be had, each wish for one counts */
    find_domain(s, row[SESSION_queue]);
    /* It becomes a part of a file's name and of header fields, and of a name that DNS is asked for.
     */
    return s->is != SESSION_NONE && s->domain.len < DOMAIN_MOST && rua_is_host(s->domain);
}
