/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/shown.h"

#include "rule/certificate.h"

const char *shown_sni(const struct attempt_conf *conf)
{
    const char *told = conf->rule->smtp_tls_name;

    return told[0] ? told : conf->to->name[0] ? conf->to->name : NULL;
}

struct tls_shown shown_by(const struct attempt_conf *conf, const struct conn *conn,
                          const struct tls_facts *facts)
{
    bool named = conf->demand.verify == DOMAIN_VERIFY_NAME;
    const char *name = shown_sni(conf), *own = conf->to->name;
    struct tls_shown shown = {.outcome = TLS_DONE};

    /* Without a name there is nothing that a certificate could be for. */
    shown.cert = named && !name ? CERT_OTHER_NAME : conn_cert_state(conn, named ? name : NULL);
    shown.sts = own[0] ? conn_cert_state(conn, own) : CERT_OTHER_NAME;
    shown.listed = fingerprints_have(&conf->rule->smtp_tls_fingerprints, facts);
    return shown;
}
