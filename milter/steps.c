/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/steps.h"

#include "base/span.h"
#include "tell/log.h"

/* Never looked at; or there is nothing in them that could be refused. MAIL and the end of the
 * message are what is answered: 15 answers of a message with 12 fields were 13 too many. */
enum {
    NEVER = SMFIP_NOEOH | SMFIP_NOBODY | SMFIP_NOUNKNOWN | SMFIP_NODATA,
    UNANSWERED = SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_RCPT | SMFIP_NR_HDR,
};

/* What we want to know, at each stage where it may be new. The list replaces the mail server's
 * own for that stage. */
static bool ask_macros(SMFICTX *ctx)
{
    static char at_connect[] = "j v _ {daemon_addr} {daemon_port} {client_addr} {client_port}";
    static char at_mail[] = "i j {tls_version} {cipher} {cipher_bits} {verify} {cert_subject} "
                            "{cert_issuer} {cn_subject} {auth_type} {auth_authen}";
    static char at_end[] = "i";

    return smfi_setsymlist(ctx, SMFIM_CONNECT, at_connect) == MI_SUCCESS &&
           smfi_setsymlist(ctx, SMFIM_ENVFROM, at_mail) == MI_SUCCESS &&
           smfi_setsymlist(ctx, SMFIM_ENVRCPT, at_end) == MI_SUCCESS &&
           smfi_setsymlist(ctx, SMFIM_EOM, at_end) == MI_SUCCESS;
}

void steps_negotiate(const struct steps *wanted, SMFICTX *ctx, unsigned long actions,
                     unsigned long protocol, unsigned long *our_actions,
                     unsigned long *our_protocol)
{
    unsigned long out = NEVER | UNANSWERED;

    out |= wanted->fields ? 0 : SMFIP_NOHDRS;
    out |= wanted->envelope ? 0 : SMFIP_NOHELO | SMFIP_NORCPT;
    *our_actions = actions & (SMFIF_SETSYMLIST | (wanted->envid ? SMFIF_CHGFROM : 0));
    *our_protocol = protocol & out;
    if ((*our_actions & SMFIF_SETSYMLIST) && !ask_macros(ctx))
        log_say(LOG_FAULT, "", "macros-not-asked", {"then", SPAN("TLS may go unseen")});
}

/* Accepted, a message is none of our business any more, and nothing more is said of it. */
sfsistat steps_pass_mail(const struct steps *wanted)
{
    return wanted->envelope || wanted->envid ? SMFIS_CONTINUE : SMFIS_ACCEPT;
}
