/* SPDX-License-Identifier: Apache-2.0
 *
 * inspect_tls - TLSA records, handshake, certificate, and what that proves, whether it is demanded
 * or not.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "cli/dig.h"
#include "cli/inspect.h"
#include "remote/shown.h"

enum { HEX_MOST = 2 * 64 + 1, TLSA_SHOWN = 64 };

static const char *why_not_asked(const struct inspect *i, const struct candidate *c)
{
    if (i->rule->use_dane == DOMAIN_DANE_OFF)
        return "not asked for: use-dane = off";
    if (!i->settings->global.trust_anchor_file[0])
        return "not asked for: there is no trust-anchor-file";
    return c->name[0] ? "not asked for: the server's name is not under DNSSEC"
                      : "not asked for: the server has no name";
}

static const char *state_of(const struct known *k)
{
    if (k->failed)
        return "cannot be had: bogus, or no name server says";
    switch ((enum tlsa_state)k->tlsa->tlsa.state) {
    case TLSA_NONE:
        return "none, or not under DNSSEC";
    case TLSA_USABLE:
        return "usable";
    case TLSA_UNUSABLE:
        return "none of them can be used";
    case TLSA_FAILED:
        break;
    }
    return "cannot be had: bogus, or no name server says";
}

/* As much as there is room for. */
static void put_front(char to[HEX_MOST], struct span data)
{
    size_t most = (HEX_MOST - 1) / 2;

    to[text_hex(to, (struct span){data.at, data.len < most ? data.len : most})] = '\0';
}

static bool is_same(const struct tlsa *a, const struct tlsa *b)
{
    return a->usage == b->usage && a->selector == b->selector && a->matching == b->matching &&
           a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static const char *worth_of(const struct known *k, struct span content)
{
    struct tlsa one;

    if (content.len > 0 && (unsigned char)content.at[0] < 2)
        return "does not count: usage 0 and 1 mean nothing to SMTP";
    if (!tlsa_read(content, &one))
        return "does not count: not of a kind that is known";
    for (size_t i = 0; !k->failed && k->tlsa && i < k->tlsa->count; i++)
        if (is_same(&k->tlsa->tlsa.at[i], &one))
            return "counts";
    return "does not count: another is stronger, or there are too many";
}

static void report_record(struct inspect *i, struct span content)
{
    const unsigned char *at = (const unsigned char *)content.at;
    char hex[HEX_MOST];

    if (content.len < 3) {
        sheet_text(&i->sheet, NULL, "too short");
        return;
    }
    put_front(hex, span_after(content, 3));
    sheet_printf(&i->sheet, NULL, "%u %u %u %s%s, %s", at[0], at[1], at[2], hex,
                 content.len - 3 > (HEX_MOST - 1) / 2 ? "..." : "", worth_of(&i->known, content));
}

static void report_records(struct inspect *i, const char *owner)
{
    struct dns_record found[TLSA_SHOWN];
    struct dig *d = inspect_dig(i, owner, DNS_TLSA);
    size_t count = 0;

    sheet_list(&i->sheet, "records");
    if (d && d->done && d->how == RESOLVED_NAMED &&
        dns_read(dig_message(d), DNS_TLSA, found, TLSA_SHOWN, &count))
        for (size_t n = 0; n < count; n++)
            report_record(i, found[n].content);
    sheet_list_end(&i->sheet);
    dig_free(&d);
}

static void report_address(struct inspect *i, const struct candidate *c)
{
    struct dig *d;

    if (!c->name[0])
        return;
    d = inspect_dig(i, c->name, addr_is_v4(&c->at) ? DNS_A : DNS_AAAA);
    sheet_text(&i->sheet, "address-dnssec",
               inspect_state(i, d ? d->how : RESOLVED_UNKNOWN, d && d->secure));
    dig_free(&d);
}

void inspect_tlsa(struct inspect *i, const struct candidate *c)
{
    bool validates = i->settings->global.trust_anchor_file[0] != '\0';
    const struct known *k = &i->known;
    const char *base = k->tlsa && *k->tlsa->tlsa.base ? k->tlsa->tlsa.base : c->name;
    char owner[DNS_NAME + 16];

    sheet_text(&i->sheet, "name-by",
               c->secure ? "DNSSEC, or the configuration" : "DNS without DNSSEC");
    report_address(i, c);
    if (!known_counts(i->rule, c, validates)) {
        sheet_text(&i->sheet, "tlsa", why_not_asked(i, c));
        return;
    }
    sheet_text(&i->sheet, "tlsa", state_of(k));
    snprintf(owner, sizeof owner, "_%u._tcp.%s", (unsigned)c->at.port, base);
    sheet_open(&i->sheet, "tlsa-at", i->sheet.json ? NULL : owner);
    sheet_text(&i->sheet, "owner", owner);
    sheet_text(&i->sheet, "base", base);
    if (strlen(owner) < DNS_NAME)
        report_records(i, owner);
    sheet_close(&i->sheet);
}

static void report_certificate(struct inspect *i, const struct upstream *up)
{
    struct sheet *r = &i->sheet;
    const struct tls_facts *f = &up->remote.tls;
    char *names = conn_names(&up->conn);
    struct conn_cert cert;
    char time[SHEET_TIME];

    conn_cert(&up->conn, &cert);
    sheet_open(r, "certificate", NULL);
    sheet_text(r, "names", names ? names : "none");
    sheet_text(r, "subject", f->peer_subject);
    sheet_text(r, "issuer", cert.issuer);
    if (cert.until) {
        sheet_text(r, "from", sheet_time(cert.from, time));
        sheet_text(r, "until", sheet_time(cert.until, time));
    }
    sheet_text(r, "sha256", f->peer_fingerprint);
    sheet_text(r, "key-sha256", f->peer_key_fingerprint);
    sheet_close(r);
    free(names);
}

static const char *dane_word(enum dane_state state)
{
    switch (state) {
    case DANE_MATCHED:
        return "ok";
    case DANE_UNMATCHED:
        return "matches no record";
    case DANE_OTHER_NAME:
        return "matches, and is for another name";
    case DANE_EXPIRED:
        return "matches, and has expired";
    case DANE_UNUSABLE:
        break;
    }
    return "no record is what it says to be";
}

static const char *cert_word(enum cert_state state, const struct tls_facts *f)
{
    switch (state) {
    case CERT_OK:
        return "ok";
    case CERT_UNTRUSTED:
        return f->verify[0] && strcmp(f->verify, "ok") != 0 ? f->verify : "not trusted";
    case CERT_EXPIRED:
        return "expired, or not valid yet";
    case CERT_OTHER_NAME:
        break;
    }
    return "for another name";
}

/* By the code that judges, asked for all of it. */
static void report_proofs(struct inspect *i, const struct attempt_conf *conf,
                          const struct upstream *up)
{
    struct sheet *r = &i->sheet;
    struct attempt_conf all = *conf;
    const struct tls_facts *f = &up->remote.tls;
    const char *name = *conf->rule->smtp_tls_name ? conf->rule->smtp_tls_name : conf->to->name;
    bool for_it = *name && conn_cert_is_for(&up->conn, name);
    struct tls_shown shown;
    char text[400];

    all.demand.notes = PART_VERIFY | PART_STS | (conf->dane.count > 0 ? PART_DANE : 0);
    all.demand.verify = DOMAIN_VERIFY_CA;
    shown = shown_by(&all, &up->conn, f);
    sheet_open(r, "proves", NULL);
    sheet_verdict(r, "chain", shown.cert == CERT_OK, cert_word(shown.cert, f));
    snprintf(text, sizeof text, "%s %s", for_it ? "for" : "not for", *name ? name : "any name");
    sheet_verdict(r, "for-name", for_it, text);
    if (conf->dane.count > 0)
        sheet_verdict(r, "dane", shown.dane == DANE_MATCHED, dane_word(shown.dane));
    if (find_policy(&i->find, conf->to))
        sheet_verdict(r, "mta-sts", shown.sts == CERT_OK, cert_word(shown.sts, f));
    if (conf->rule->smtp_tls_fingerprints.count > 0)
        sheet_verdict(r, "fingerprint", shown.listed, shown.listed ? "ok" : "not listed");
    sheet_close(r);
}

void inspect_tls(struct inspect *i, const struct attempt_conf *conf, const struct upstream *up)
{
    struct sheet *r = &i->sheet;
    const struct tls_facts *f = &up->remote.tls;

    sheet_text(r, "cipher", f->cipher);
    sheet_text(r, "group", f->group);
    sheet_text(r, "sni", f->sni);
    report_certificate(i, up);
    report_proofs(i, conf, up);
}
