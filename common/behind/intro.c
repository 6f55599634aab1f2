/* SPDX-License-Identifier: Apache-2.0 */
#include "behind/intro.h"

#include <stdio.h>

#include "net/head.h"
#include "smtp/ehlo.h"
#include "smtp/xtext.h"

/* A command's line (RFC 5321, 4.5.3.1.4), which holds for XCLIENT's too; what is left of it for
 * a name when all else is as long as can be: addresses of IPv6, ports of five digits. */
enum { XCLIENT_MAX = 512, EHLO_MAX = 4096, HELO_MAX = 255, HELO_ROOM = 300 };

#define UNAVAILABLE "[UNAVAILABLE]"

/* Of ourselves version 1 says the truth, since Postfix refuses UNKNOWN. */
bool intro_begin(enum intro *i, struct dial *d, const struct guest *who)
{
    struct buf head;
    bool made = true;

    *i = who->use_tls == BACKEND_TLS_IMMEDIATE ? INTRO_SHAKING : INTRO_GREETING;
    buf_init(&head, HEAD_MAX);
    if (who->identity == IDENTITY_PROXY_V1)
        made = head_make_v1(&head, &who->client, &who->listener);
    else if (who->identity == IDENTITY_PROXY_V2 && who->ourselves)
        made = head_make_local(&head);
    else if (who->identity == IDENTITY_PROXY_V2)
        made = head_make_v2(&head, &who->client, &who->listener, who->tls, span_of(who->session),
                            who->tlvs);
    made = made && (buf_len(&head) == 0 || dial_preface(d, buf_peek(&head)));
    buf_clear(&head);
    return made;
}

static bool offers(struct span offered, const char *name)
{
    while (offered.len > 0)
        if (span_is_nocase(span_cut(&offered, ' '), name))
            return true;
    return false;
}

static void addr_value(char to[ADDR_TEXT + 8], const struct addr *a)
{
    char text[ADDR_TEXT];

    snprintf(to, ADDR_TEXT + 8, "%s%s", addr_is_v4(a) ? "" : "IPV6:", addr_text(a, text));
}

/* Of a client that a load balancer names, there may be none. */
static void port_value(char to[sizeof UNAVAILABLE], unsigned port)
{
    snprintf(to, sizeof UNAVAILABLE, port ? "%u" : UNAVAILABLE, port);
}

bool intro_xclient(struct buf *to, struct span offered, const struct guest *who)
{
    char addr[ADDR_TEXT + 8], destaddr[ADDR_TEXT + 8];
    char port[sizeof UNAVAILABLE], destport[sizeof UNAVAILABLE];
    char helo[HELO_ROOM];

    addr_value(addr, &who->client);
    addr_value(destaddr, &who->listener);
    port_value(port, who->client.port);
    port_value(destport, who->listener.port);
    /* The EHLO that follows says it again, and wins. */
    if (xtext_make(helo, sizeof helo, span_of(who->helo)) == (size_t)-1)
        *helo = '\0';
    /* NAME without REVERSE_NAME leaves Postfix with our own name as the client's PTR. */
    const struct {
        const char *name, *value;
    } attributes[] = {
        {"NAME", UNAVAILABLE},
        {"REVERSE_NAME", UNAVAILABLE},
        {"PROTO", who->extended ? "ESMTP" : "SMTP"},
        {"HELO", helo},
        {"PORT", port},
        {"DESTADDR", destaddr},
        {"DESTPORT", destport},
        {"ADDR", addr},
    };
    bool fits = offers(offered, "ADDR") && buf_add(to, SPAN("XCLIENT"));

    for (size_t k = 0; fits && k < COUNT_OF(attributes); k++)
        if (attributes[k].value[0] && offers(offered, attributes[k].name))
            fits = buf_addf(to, " %s=%s", attributes[k].name, attributes[k].value);
    return fits && buf_add(to, SPAN("\r\n"));
}

static bool ask_ehlo(struct dial *d, const struct guest *who)
{
    struct buf line;

    buf_init(&line, EHLO_MAX);
    bool asked = buf_addf(&line, "EHLO %s\r\n", who->helo) && dial_ask(d, 0, buf_peek(&line));
    buf_clear(&line);
    return asked;
}

static bool ask_xclient(struct dial *d, const struct guest *who, struct span reply)
{
    struct buf line;

    buf_init(&line, XCLIENT_MAX);
    bool asked = intro_xclient(&line, ehlo_argument(reply, "XCLIENT"), who) &&
                 dial_ask(d, 0, buf_peek(&line));
    buf_clear(&line);
    return asked;
}

/* Moves on if the question could be put. */
static enum intro_verdict next(enum intro *i, enum intro to, bool asked)
{
    *i = to;
    return asked ? INTRO_GOES_ON : INTRO_REFUSED;
}

/* What must be known of the mail server before the client's own EHLO. */
static enum intro_verdict introduce(enum intro *i, struct dial *d, const struct guest *who)
{
    bool by_xclient = who->identity == IDENTITY_XCLIENT && !who->ourselves;

    return next(i, by_xclient ? INTRO_PROBING : INTRO_EHLO, ask_ehlo(d, who));
}

bool intro_secured(enum intro *i, struct dial *d, const struct guest *who)
{
    if (who->use_tls == BACKEND_TLS_IMMEDIATE) {
        *i = INTRO_GREETING;
        return buf_len(&d->in) == 0;
    }
    return dial_secured(d) && introduce(i, d, who) == INTRO_GOES_ON;
}

/* In the clear nothing is asked but STARTTLS. */
static enum intro_verdict ask_tls(enum intro *i, struct dial *d, const struct heard *said)
{
    const struct ehlo offers = ehlo_read(said->text);

    if (said->code != 250 || !ehlo_has(&offers, EHLO_STARTTLS) ||
        !dial_ask(d, 0, SPAN("STARTTLS\r\n")))
        return INTRO_NO_TLS;
    *i = INTRO_STARTTLS;
    return INTRO_GOES_ON;
}

/* What stands behind the 220 was slipped in by somebody (RFC 3207, 6). */
static enum intro_verdict begin_tls(enum intro *i, const struct dial *d, const struct heard *said)
{
    if (said->code != 220 || buf_len(&d->in) > d->lent)
        return INTRO_NO_TLS;
    *i = INTRO_SHAKING;
    return INTRO_GOES_ON;
}

enum intro_verdict intro_heard(enum intro *i, struct dial *d, const struct guest *who,
                               const struct heard *said)
{
    switch (*i) {
    case INTRO_GREETING:
        if (said->code >= 400)
            return INTRO_TURNED_AWAY;
        if (said->code != 220)
            return INTRO_REFUSED;
        if (who->use_tls == BACKEND_TLS_STARTTLS)
            return next(i, INTRO_OFFER, ask_ehlo(d, who));
        return introduce(i, d, who);
    case INTRO_OFFER:
        return ask_tls(i, d, said);
    case INTRO_STARTTLS:
        return begin_tls(i, d, said);
    case INTRO_SHAKING: /* nothing is heard then */
        break;
    case INTRO_PROBING:
        if (said->code != 250)
            return INTRO_REFUSED;
        return next(i, INTRO_XCLIENT, ask_xclient(d, who, said->text));
    case INTRO_XCLIENT:
        return next(i, INTRO_EHLO, said->code == 220 && ask_ehlo(d, who));
    case INTRO_EHLO:
        return said->code == 250 ? INTRO_DONE : INTRO_REFUSED;
    }
    return INTRO_REFUSED;
}

const char *intro_remedy(enum identity identity)
{
    switch (identity) {
    case IDENTITY_PROXY_V1:
    case IDENTITY_PROXY_V2:
        return "let the mail server expect the PROXY protocol on this port and trust our address "
               "(Postfix: smtpd_upstream_proxy_protocol=haproxy)";
    case IDENTITY_XCLIENT:
        return "let the mail server take XCLIENT from our address "
               "(Postfix: smtpd_authorized_xclient_hosts)";
    case IDENTITY_NONE:
    case IDENTITY_TRANSPARENT:
        break;
    }
    return "see what the mail server said to EHLO";
}
