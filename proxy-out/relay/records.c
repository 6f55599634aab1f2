/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/relay/records.h"

#include "base/clock.h"
#include "base/text.h"
#include "proxy-out/relay/status.h"
#include "smtp/reply.h"

/* What does not stand anywhere as a text is written here. */
struct texts_made {
    char key[RECORD_KEY_MAX], diag[4200], at[ADDR_TEXT], from[ADDR_TEXT], policy[DEMAND_TEXT];
    char joined[2048]; /* room for all that are joined, by their columns */
    size_t used;
};

/* One text of several. */
#define JOIN(m, ...) \
    join(m, (const struct span[]){__VA_ARGS__}, COUNT_OF(((const struct span[]){__VA_ARGS__})))

static struct span join(struct texts_made *m, const struct span *parts, size_t count)
{
    struct span all = {m->joined + m->used, 0};

    for (size_t i = 0; i < count; i++) {
        size_t room = sizeof m->joined - m->used;
        size_t len = parts[i].len < room ? parts[i].len : room;

        memcpy(m->joined + m->used, parts[i].at, len);
        m->used += len;
        all.len += len;
    }
    return all;
}

static struct span number(struct texts_made *m, unsigned long n)
{
    char digits[TEXT_DECIMAL];

    return JOIN(m, {digits, text_decimal(digits, n)});
}

static const char *const types[] = {"t", "t", "d", "t", "t", "b"};
static const char *const actions[] = {"delayed", "delayed", "relayed",
                                      "delayed", "delayed", "failed"};

static void set(struct record *r, enum column c, const char *text)
{
    r->column[c] = span_of(text);
}

static struct reply set_diag(struct record *r, struct texts_made *m, struct span text)
{
    struct reply reply = reply_read(text);
    const char *means = status_text(reply.status);
    static const char lead[] = {'s', 'm', 't', 'p', ';'};
    size_t len = sizeof lead;

    memcpy(m->diag, lead, sizeof lead);
    len += reply_flat(m->diag + len, sizeof m->diag - len, text);
    r->column[COLUMN_dsnDiag] = (struct span){m->diag, len};
    r->column[COLUMN_dsnStatus] =
        means[0] ? JOIN(m, span_of(reply.status), SPAN(" ("), span_of(means), SPAN(")"))
                 : JOIN(m, span_of(reply.status));
    return reply;
}

static void set_reply(struct record *r, struct texts_made *m, const struct records_event *e)
{
    struct reply reply = set_diag(r, m, e->reply);
    unsigned class = (unsigned)reply.code / 100 % 6;

    set(r, COLUMN_type, types[class]);
    set(r, COLUMN_dsnAction, actions[class]);
    if (class != 2)
        set(r, COLUMN_bounceCat, fail_category(e->fail)); /* else the accountant finds it */
    if (class == 2)
        r->column[COLUMN_dlvSize] = number(m, e->size);
}

static void set_queue(struct record *r, struct texts_made *m, const char *domain)
{
    set(r, COLUMN_vmta, "{default}");
    if (!domain[0])
        return; /* it is no name: there is no such queue */
    r->column[COLUMN_queue] = JOIN(m, span_of(domain), SPAN("/{default}"));
}

static void set_envelope(struct record *r, struct texts_made *m, const struct transaction *t,
                         const struct records_event *e)
{
    const struct recipient *rcpt = &t->rcpt[e->recipient];

    set(r, COLUMN_orig, t->sender);
    set(r, COLUMN_rcpt, rcpt->address);
    if (rcpt->orcpt)
        set(r, COLUMN_orcpt, rcpt->orcpt);
    if (t->env_id)
        set(r, COLUMN_envId, t->env_id);
    set_queue(r, m, e->domain);
    set(r, COLUMN_queueId, t->queue_id);
}

static void set_source(struct record *r, struct texts_made *m, const struct records_mta *mta,
                       const struct transaction *t)
{
    const struct xforward *x = &t->from;
    const char *name = x->helo[0] ? x->helo : x->name, *addr = x->addr;

    if (!name[0] && !addr[0]) {
        name = mta->name;
        addr = addr_text(&mta->at, m->at);
    } else if (!strncasecmp(addr, "IPV6:", 5)) {
        addr += 5;
    }
    set(r, COLUMN_srcType, "smtp");
    r->column[COLUMN_srcMta] =
        addr[0] ? JOIN(m, span_of(name), name[0] ? SPAN(" (") : SPAN("("), span_of(addr), SPAN(")"))
                : span_of(name);
    r->id_host = span_of(mta->name);
    r->column[COLUMN_sessionId] = span_of(mta->session.text);
}

/* "met", "clear" (allowed, and so it went) or "failed"; "reported" and "testing-failed" where
 * report-only and MTA-STS in testing let pass what fails; "" where nothing was wished. */
static const char *policy_result(const struct remote *remote, enum fail fail)
{
    if (remote->demand.level == DEMAND_NONE || remote->at.port == 0)
        return "";
    if (fail != FAIL_NOT && fail == remote->tls_fail)
        return "failed";
    if (remote->noted != FAIL_NOT)
        return remote->noted_by == PART_STS ? "testing-failed" : "reported";
    return remote->secure ? "met" : remote->from.port ? "clear" : "";
}

static void set_tls(struct record *r, struct texts_made *m, const struct remote *remote,
                    enum fail fail)
{
    const struct tls_facts *tls = &remote->tls;

    set(r, COLUMN_dlvTlsPolicy, demand_text(&remote->demand, m->policy));
    set(r, COLUMN_dlvTlsPolicyResult, policy_result(remote, fail));
    if (!remote->secure)
        return;
    set(r, COLUMN_dlvTlsProtocol, tls->protocol);
    set(r, COLUMN_dlvTlsCipher, tls->cipher);
    r->column[COLUMN_dlvTlsCipherBits] = number(m, (unsigned long)tls->bits);
    set(r, COLUMN_dlvTlsGroup, tls->group);
    set(r, COLUMN_dlvTlsResumed, tls->resumed ? "yes" : "no");
    set(r, COLUMN_dlvTlsVerify, tls->verify);
    set(r, COLUMN_dlvTlsPeerName, tls->peer_subject);
    set(r, COLUMN_dlvTlsPeerFingerprint, tls->peer_fingerprint);
    set(r, COLUMN_dlvTlsClientCert, remote->client_cert);
}

/* It is spooled nevertheless: an outcome ends its intent, and TLS reports count it. */
static bool is_disabled(const struct record *r, const struct texts *unwritten)
{
    for (size_t i = 0; i < unwritten->count; i++) {
        if (span_is(r->column[COLUMN_type], unwritten->at[i]))
            return true;
    }
    return false;
}

/* What stays the same as long as the connection does, where the remote server has spoken. */
static void set_connection(struct record *r, struct texts_made *m, const struct remote *remote,
                           enum fail fail)
{
    set(r, COLUMN_dlvType, "smtp");
    set(r, COLUMN_dlvEsmtpAvailable, remote->esmtp);
    set(r, COLUMN_dlvSessionId, remote->session.text);
    if (remote->at.port) {
        addr_text(&remote->at, m->at);
        set(r, COLUMN_dlvDestinationIp, m->at);
        r->column[COLUMN_dsnMta] = JOIN(m, span_of(remote->name[0] ? remote->name : m->at),
                                        SPAN(" ("), span_of(m->at), SPAN(")"));
    }
    if (remote->from.port)
        set(r, COLUMN_dlvSourceIp, addr_text(&remote->from, m->from));
    set_tls(r, m, remote, fail);
}

/* A connection may be used again by another rule, when something else is published. */
static void set_rule(struct record *r, const struct remote *remote, enum fail fail)
{
    bool failed = fail != FAIL_NOT && fail == remote->tls_fail;
    enum fail why = failed || remote->noted == FAIL_NOT ? remote->tls_fail : remote->noted;

    if (why == FAIL_NOT && remote->at.port == 0 && *fail_result(fail))
        why = fail; /* no server could be asked */
    set(r, COLUMN_domainRule, remote->rule);
    set(r, COLUMN_dlvTlsError,
        why != FAIL_NOT ? fail_word(why) : sts_trouble_word(remote->published.trouble));
    set(r, COLUMN_dlvTlsPolicyText, remote->published.text);
    set(r, COLUMN_dlvTlsPolicyDomain, remote->published.domain);
}

/* Once for a connection; what is too long for that is written each time. */
static bool write_connection(struct buf *about, const struct remote *remote)
{
    struct record r = {.what = RECORD_ROW};
    struct texts_made m;

    m.used = 0;
    set_connection(&r, &m, remote, FAIL_NOT);
    return record_columns(about, &r);
}

static void set_remote(struct record *r, struct texts_made *m, const struct remote *remote,
                       const struct records_event *e)
{
    set_rule(r, remote, e->fail);
    if (e->fail == FAIL_NOT && e->about &&
        (buf_len(e->about) > 0 || write_connection(e->about, remote)))
        r->written = buf_peek(e->about);
    else
        set_connection(r, m, remote, e->fail);
}

_Static_assert((int)HEADER_MOST == RECORD_HEADERS && (int)HEADER_NAME == RECORD_HEADER_NAME &&
                   (int)HEADER_VALUE == RECORD_HEADER_VALUE,
               "what a record holds is what is looked for");

static void set_headers(struct record *r, const struct header *h)
{
    for (size_t i = 0; h && i < h->count; i++)
        if (header_value(h, i))
            record_add_header(r, h->wanted[i], span_of(header_value(h, i)));
}

bool records_add(struct buf *to, const struct records_mta *mta, const struct transaction *t,
                 const struct remote *remote, const struct records_event *e)
{
    struct record r = {.what = e->what, .at = clock_now()};
    struct texts_made m;

    m.used = 0;
    r.key = record_key(m.key, mta->session.text, t->number, (unsigned)e->recipient);
    if (e->what == RECORD_INTENT)
        set(&r, COLUMN_type, "t");
    else
        set_reply(&r, &m, e);
    if (remote)
        r.disabled = is_disabled(&r, &remote->unwritten);
    if (e->what == RECORD_OUTCOME && e->fail == FAIL_NOT)
        return record_write(to, &r);
    r.queued = t->queued;
    set_envelope(&r, &m, t, e);
    set_source(&r, &m, mta, t);
    set_headers(&r, t->header);
    if (remote)
        set_remote(&r, &m, remote, e);
    return record_write(to, &r);
}

/* What the server itself said, where that was its no; else our own words for it. */
static struct span words_for(enum fail fail, const struct remote *remote)
{
    bool theirs = fail == FAIL_GREETING || fail == FAIL_STARTTLS_REFUSED || fail == FAIL_AUTH;

    return span_of(theirs && remote->said[0] ? remote->said : fail_reply(fail));
}

bool records_add_attempt(struct buf *to, const char *session, const char *domain,
                         const struct remote *remote, enum fail fail)
{
    struct record r = {.what = RECORD_ROW, .at = clock_now(), .key = span_of(remote->session.text)};
    struct texts_made m;

    m.used = 0;
    set(&r, COLUMN_type, "tq");
    r.disabled = is_disabled(&r, &remote->unwritten);
    set_diag(&r, &m, words_for(fail, remote));
    set_queue(&r, &m, domain);
    set(&r, COLUMN_sessionId, session);
    set_rule(&r, remote, fail);
    set_connection(&r, &m, remote, fail);
    return record_write(to, &r);
}
