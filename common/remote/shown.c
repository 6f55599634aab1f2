/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/shown.h"

#include "rule/certificate.h"

/* The name that the certificate is to be for; NULL: there is none. */
static const char *name_of(const struct attempt_conf *conf)
{
    const char *told = conf->rule->smtp_tls_name;

    return told[0] ? told : conf->to->name[0] ? conf->to->name : NULL;
}

const char *shown_sni(const struct attempt_conf *conf)
{
    return conf->demand.must & PART_DANE ? conf->dane.base : name_of(conf);
}

/* For MTA-STS: the server's own name, by the CAs of the rule or by public ones. */
static enum cert_state sts_cert(const struct attempt_conf *conf, const struct conn *conn)
{
    const char *own = conf->to->name;
    enum cert_state by_rule = own[0] ? conn_cert_state(conn, own) : CERT_OTHER_NAME;

    if (by_rule == CERT_OK || !own[0] || !conf->public || !conf->rule->smtp_tls_ca_file[0])
        return by_rule;
    return conn_cert_state_by(conn, conf->public, own);
}

struct tls_shown shown_by(const struct attempt_conf *conf, const struct conn *conn,
                          const struct tls_facts *facts)
{
    const struct demand *demand = &conf->demand;
    unsigned parts = demand->must | demand->notes;
    bool named = demand->verify == DOMAIN_VERIFY_NAME;
    const char *name = name_of(conf);
    struct tls_shown shown = {
        .outcome = TLS_DONE, .sts = CERT_UNTRUSTED, .dane = DANE_UNMATCHED, .listed = false};

    /* Without a name there is nothing that a certificate could be for. */
    shown.cert = named && !name ? CERT_OTHER_NAME : conn_cert_state(conn, named ? name : NULL);
    shown.listed = fingerprints_have(&conf->rule->smtp_tls_fingerprints, facts);
    if (parts & PART_STS || demand->sts_behind)
        shown.sts = sts_cert(conf, conn);
    if (parts & PART_DANE)
        shown.dane = conn_dane_state(conn, &conf->dane);
    return shown;
}
