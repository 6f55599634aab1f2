/* SPDX-License-Identifier: Apache-2.0 */
#include "behind/probing.h"

#include <ctype.h>
#include <stdio.h>

#include "base/text.h"
#include "behind/denial.h"
#include "smtp/ehlo.h"
#include "smtp/reply.h"

#define OUTSIDE "relay-test.invalid" /* RFC 6761: nobody's */

static const struct {
    const char *what, *remedy;
} verdicts[VERDICT_COUNT] = {
#define VERDICT(name, what, remedy) [VERDICT_##name] = {what, remedy},
#include "behind/verdict.def"
#undef VERDICT
};

/* Our own name first: a mail server that lets its own people relay by their address shows it.
 * Whoever has something against it may take the other. Their names stand between the two. */
static const struct {
    const char *before, *behind;
    bool named;
} senders[] = {{"probe@", "", true}, {"", "", false}};

/* Only the first shows whether it relays; the others show that it does so for those who know
 * how to write it (RFC 5321, appendix C and F.2; the quoted one has no other name). But who takes
 * mail for any name at his own domain takes these for names, too. */
static const struct {
    const char *before, *behind;
    bool named; /* the mail server's name stands between them */
    enum { FORM_PLAIN, FORM_ANYBODY, FORM_LOCAL, FORM_ROUTE } kind;
} forms[] = {
    {"probe@" OUTSIDE, "", false, FORM_PLAIN},
    {"nobody-for-relay-test@", "", true, FORM_ANYBODY},
    {"probe%" OUTSIDE "@", "", true, FORM_LOCAL},
    {"\"probe@" OUTSIDE "\"@", "", true, FORM_LOCAL},
    {"@", ":probe@" OUTSIDE, true, FORM_ROUTE},
    {OUTSIDE "!probe@", "", true, FORM_LOCAL},
};

const char *verdict_what(enum verdict v)
{
    return verdicts[v].what;
}

const char *verdict_remedy(enum verdict v, enum identity identity)
{
    bool is_headed = identity == IDENTITY_PROXY_V1 || identity == IDENTITY_PROXY_V2;

    if (v == VERDICT_NOT_TAKEN || (v == VERDICT_NO_GREETING && is_headed))
        return intro_remedy(identity);
    /* Postfix that waits for a header in vain says 421 in the end. */
    if (v == VERDICT_TURNED_AWAY && !is_headed)
        return verdicts[VERDICT_NO_GREETING].remedy;
    if (v == VERDICT_UNREACHED && identity == IDENTITY_TRANSPARENT)
        return "let routing bring the mail server's answers to clients back to us, and start as "
               "root";
    return verdicts[v].remedy;
}

bool probing_init(struct probing *p, const struct guest *who)
{
    *p = (struct probing){.who = *who, .asks = PROBING_INTRO};
    dial_init(&p->dial);
    return intro_begin(&p->intro, &p->dial, &p->who);
}

void probing_clear(struct probing *p)
{
    dial_clear(&p->dial);
}

void probing_end(struct probing *p, enum verdict verdict, const char *why)
{
    p->asks = PROBING_OVER;
    p->found.verdict = verdict;
    text_clean(p->found.said, sizeof p->found.said, span_of(why));
}

static void conclude(struct probing *p, enum verdict verdict, struct span said)
{
    probing_end(p, verdict, "");
    reply_flat(p->found.said, sizeof p->found.said, said);
}

/* What is asked always fits; what is not asked is not answered. */
static void ask(struct probing *p, int asks, const char *line)
{
    p->asks = asks;
    if (!dial_ask(&p->dial, 0, span_of(line)))
        probing_end(p, VERDICT_FOREIGN, "our question does not fit");
}

static void ask_mail(struct probing *p)
{
    char line[320];

    snprintf(line, sizeof line, "MAIL FROM:<%s%.255s%s>\r\n", senders[p->sender].before,
             senders[p->sender].named ? p->who.helo : "", senders[p->sender].behind);
    ask(p, PROBING_MAIL, line);
}

static void ask_rcpt(struct probing *p)
{
    const char *name = *p->found.name ? p->found.name : p->who.helo;
    char line[400];

    snprintf(p->found.asked, sizeof p->found.asked, "%s%.255s%s", forms[p->form].before,
             forms[p->form].named ? name : "", forms[p->form].behind);
    snprintf(line, sizeof line, "RCPT TO:<%s>\r\n", p->found.asked);
    ask(p, PROBING_RCPT, line);
}

static bool is_host(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.at[i]) && s.at[i] != '-' && s.at[i] != '.')
            return false;
    return s.len > 0 && s.len < 256;
}

/* Its own name, behind the code of the first line. */
static void note_name(struct probing *p, struct span reply)
{
    struct span line = span_cut(&reply, '\n');

    if (line.len < 5)
        return;
    line = span_after(line, 4);
    if (line.at[line.len - 1] == '\r')
        line.len--;

    struct span name = span_cut(&line, ' ');

    if (is_host(name))
        text_copy(p->found.name, sizeof p->found.name, name);
}

static void note_offers(struct probing *p, struct span reply)
{
    const struct ehlo e = ehlo_read(reply);

    note_name(p, reply);
    p->found.taken = true;
    p->found.has_auth = ehlo_has(&e, EHLO_AUTH);
    p->found.has_starttls = ehlo_has(&e, EHLO_STARTTLS);
}

static bool mentions(struct span text, const char *word)
{
    return text.len && memmem(text.at, text.len, word, strlen(word));
}

static bool tells_identity(const struct probing *p)
{
    return p->who.identity != IDENTITY_NONE && p->who.identity != IDENTITY_TRANSPARENT;
}

/* Where a PROXY header is garbage, the reply to it is what EHLO seems to be answered with. */
static void on_intro(struct probing *p, const struct heard *h)
{
    bool greets = p->intro == INTRO_GREETING;

    if (greets)
        p->found.is_postfix = mentions(h->text, "Postfix");
    switch (intro_heard(&p->intro, &p->dial, &p->who, h)) {
    case INTRO_GOES_ON:
        p->found.greeted = true;
        break;
    case INTRO_DONE:
        note_offers(p, h->text);
        ask_mail(p);
        break;
    case INTRO_TURNED_AWAY:
        conclude(p, VERDICT_TURNED_AWAY, h->text);
        break;
    case INTRO_NO_TLS:
        conclude(p, VERDICT_NO_TLS, h->text);
        break;
    case INTRO_REFUSED:
        conclude(p,
                 greets              ? VERDICT_FOREIGN
                 : tells_identity(p) ? VERDICT_NOT_TAKEN
                                     : VERDICT_NO_EHLO,
                 h->text);
        break;
    }
}

/* Another sender may be more to its liking. False: there is none. */
static bool is_other_sender(struct probing *p)
{
    if (p->sender + 1 == COUNT_OF(senders))
        return false;
    p->sender++;
    return true;
}

static void on_mail(struct probing *p, const struct heard *h)
{
    /* Who must log in before MAIL cannot relay without it. */
    if (h->code == 530)
        conclude(p, VERDICT_SAFE, h->text);
    else if (h->code == 250)
        ask_rcpt(p);
    else if (h->code >= 400 && h->code != 421 && is_other_sender(p))
        ask_mail(p);
    else
        conclude(p, VERDICT_NO_MAIL, h->text);
}

/* Of the other forms each lasting refusal will do, for the first one was refused for the right
 * reason: what is refused here is the address. */
static enum denial judge(const struct probing *p, const struct heard *h)
{
    enum denial shown = denial_read(h->text);

    return p->form > 0 && shown == DENIAL_NOT_KNOWN && h->code >= 500 ? DENIAL_REFUSES : shown;
}

/* Is the answer what anybody's name gets there? */
static bool is_anybody(struct probing *p, const struct heard *h)
{
    if (forms[p->form].kind == FORM_ANYBODY)
        p->anybody = h->code / 100;
    else if (forms[p->form].kind != FORM_LOCAL || p->anybody == 5 || h->code / 100 != p->anybody)
        return false;
    else
        p->found.takes_anybody = true;
    return h->code != 421;
}

static void next_form(struct probing *p)
{
    if (++p->form < COUNT_OF(forms)) {
        ask_rcpt(p);
        return;
    }
    p->asks = PROBING_OVER;
    p->found.verdict = VERDICT_SAFE;
}

static void on_rcpt(struct probing *p, const struct heard *h)
{
    enum denial shown = judge(p, h);

    if (p->form == 0)
        reply_flat(p->found.said, sizeof p->found.said, h->text);
    if (is_anybody(p, h) || shown == DENIAL_REFUSES)
        next_form(p);
    else if (shown == DENIAL_RELAYS)
        conclude(p, p->form ? VERDICT_RELAYS_ROUTE : VERDICT_RELAYS, h->text);
    else if (p->form == 0 && h->code != 421 && is_other_sender(p))
        ask(p, PROBING_RESET, "RSET\r\n");
    else
        conclude(p, VERDICT_NOT_SHOWN, h->text);
}

static void on_reset(struct probing *p, const struct heard *h)
{
    if (h->code == 250)
        ask_mail(p);
    else
        conclude(p, VERDICT_NO_MAIL, h->text);
}

bool probing_goes_on(struct probing *p)
{
    static void (*const on[])(struct probing *, const struct heard *) = {
        [PROBING_INTRO] = on_intro,
        [PROBING_MAIL] = on_mail,
        [PROBING_RCPT] = on_rcpt,
        [PROBING_RESET] = on_reset,
    };
    struct heard h;
    int got;

    while (p->asks != PROBING_OVER && !probing_shakes(p) && (got = dial_next(&p->dial, &h)) != 0) {
        if (got > 0)
            on[p->asks](p, &h);
        else
            probing_end(p, VERDICT_FOREIGN, "");
    }
    return p->asks != PROBING_OVER;
}

bool probing_shakes(const struct probing *p)
{
    return p->asks == PROBING_INTRO && p->intro == INTRO_SHAKING;
}

bool probing_secured(struct probing *p)
{
    return intro_secured(&p->intro, &p->dial, &p->who);
}
