/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include <stdio.h>
#include <string.h>

#include "smtp/reply.h"

void probing_init(struct probing *p)
{
    *p = (struct probing){.why = "it said nothing"};
    dial_init(&p->dial);
}

void probing_clear(struct probing *p)
{
    dial_clear(&p->dial);
}

/* What is asked next when the last answer was as it should be. */
static const struct {
    int want;
    const char *next, *behind; /* our host-name goes between them */
    const char *wrong;
} steps[] = {
    [PROBING_GREETING] = {220, "EHLO ", "\r\n", "it does not greet us: "},
    [PROBING_EHLO] = {250, "MAIL FROM:<probe@", ">\r\n", "it refuses EHLO: "},
    [PROBING_MAIL] = {250, "RCPT TO:<probe@relay-test.", "invalid>\r\n",
                      "it refuses MAIL FROM:<probe@our host-name>, so nothing is shown: "},
};

static bool ask(struct probing *p, const char *host_name)
{
    char line[320];
    int n = snprintf(line, sizeof line, "%s%.240s%s", steps[p->asks].next,
                     p->asks == PROBING_MAIL ? "" : host_name, steps[p->asks].behind);

    p->asks++;
    return dial_ask(&p->dial, 0, (struct span){line, (size_t)n});
}

static void conclude(struct probing *p, bool safe, const char *words, struct span said)
{
    int n = snprintf(p->why, sizeof p->why, "%s", words);

    p->safe = safe;
    p->asks = PROBING_OVER;
    reply_flat(p->why + n, sizeof p->why - (size_t)n, said);
}

/* "450 4.1.2 Domain not found" may come before Postfix looks at mynetworks
 * (reject_unknown_recipient_domain), and others may be told 250. 454 4.7.1 is what Postfix's
 * defer_unauth_destination says. */
static bool refuses_to_relay(const struct heard *h)
{
    const struct reply reply = reply_read(h->text);

    if (h->code < 500)
        return h->code >= 400 && strncmp(reply.status, "4.7.", 4) == 0;
    return strcmp(reply.status, "5.1.2") != 0;
}

bool probing_goes_on(struct probing *p, const char *host_name)
{
    struct heard h;
    int got;

    while (p->asks != PROBING_OVER && (got = dial_next(&p->dial, &h)) != 0) {
        if (got < 0)
            conclude(p, false, "what it says is not SMTP", SPAN(""));
        else if (p->asks == PROBING_RCPT && refuses_to_relay(&h))
            conclude(p, true, "", h.text);
        else if (p->asks == PROBING_RCPT && h.code >= 400)
            conclude(p, false,
                     "what it has against RCPT TO:<probe@relay-test.invalid> does not "
                     "show that it refuses to relay: ",
                     h.text);
        else if (p->asks == PROBING_RCPT)
            conclude(p, false,
                     "it relays for everybody: RCPT TO:<probe@relay-test.invalid>: ", h.text);
        /* Who must log in before MAIL cannot relay without it. */
        else if (p->asks == PROBING_MAIL && h.code == 530)
            conclude(p, true, "", h.text);
        else if (h.code != steps[p->asks].want)
            conclude(p, false, steps[p->asks].wrong, h.text);
        else if (!ask(p, host_name))
            conclude(p, false, "our question does not fit", SPAN(""));
    }
    return p->asks != PROBING_OVER;
}
