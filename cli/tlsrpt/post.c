/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tlsrpt/post.h"

#include <stdio.h>

#include "behind/wire.h"
#include "smtp/reply.h"

/* Seconds for each answer: some servers look a message through first. */
enum { PATIENCE = 300, CONNECT_PATIENCE = 30 };

/* What was said last. */
enum step { GREETING, EHLO, MAIL, RCPT, DATA, BODY, STEPS };

struct post {
    struct event_base *base;
    const struct post_mail *mail;
    struct wire wire;
    struct dial dial;
    struct alarm alarm;
    enum step step;
    bool over, taken;
    char *why;
    size_t size;
};

static void finish(struct post *p, const char *why, struct span said)
{
    int n = snprintf(p->why, p->size, "%s%s", why, said.len ? ": " : "");

    if ((size_t)n < p->size)
        reply_flat(p->why + n, p->size - (size_t)n, said);
    p->over = true;
}

static bool say_mail(struct post *p, struct span ehlo)
{
    char line[700];
    bool dsn = memmem(ehlo.at, ehlo.len, "DSN\r", 4) != NULL;

    snprintf(line, sizeof line, "MAIL FROM:<%s>%s%s\r\n", p->mail->from, dsn ? " ENVID=" : "",
             dsn ? p->mail->env_id : "");
    return dial_ask(&p->dial, MAIL, span_of(line));
}

static bool say(struct post *p, enum step step, const char *before, const char *what,
                const char *behind)
{
    char line[700];

    snprintf(line, sizeof line, "%s%s%s\r\n", before, what, behind);
    return dial_ask(&p->dial, step, span_of(line));
}

/* What comes after the step that was just answered. */
static bool go_on(struct post *p, struct span reply)
{
    switch (p->step++) {
    case GREETING:
        return say(p, EHLO, "EHLO ", p->mail->helo, "");
    case EHLO:
        return say_mail(p, reply);
    case MAIL:
        return say(p, RCPT, "RCPT TO:<", p->mail->to, ">");
    case RCPT:
        return say(p, DATA, "DATA", "", "");
    case DATA:
        p->wire.body = p->mail->text;
        return dial_end(&p->dial, BODY);
    case BODY:
    case STEPS:
        break;
    }
    p->taken = p->over = true;
    return true;
}

static void on_reply(struct post *p, const struct heard *h)
{
    static const char *const refuses[STEPS] = {
        "it does not greet us",        "it does not take EHLO",
        "it does not take the sender", "it does not take the recipient",
        "it does not take a message",  "it does not take the message"};
    int want = p->step == GREETING ? 220 : p->step == DATA ? 354 : 250;
    bool good = h->code == want || (p->step == RCPT && h->code == 251);

    alarm_set(&p->alarm, PATIENCE);
    if (!good)
        finish(p, refuses[p->step], h->text);
    else if (!go_on(p, h->text))
        finish(p, "what we say does not fit", SPAN(""));
}

static void hear(struct post *p)
{
    struct heard h;
    int got = 0;

    while (!p->over && (got = dial_next(&p->dial, &h)) > 0)
        on_reply(p, &h);
    if (!p->over && got < 0)
        finish(p, "what it says is not SMTP", SPAN(""));
}

static void on_ready(void *arg)
{
    struct post *p = arg;

    while (!p->over) {
        switch (wire_step(&p->wire, false)) {
        case WIRE_LATER:
            return;
        case WIRE_UP:
        case WIRE_SECURE:
            break;
        case WIRE_HEARD:
            hear(p);
            break;
        case WIRE_LOST:
            finish(p, p->wire.why, SPAN(""));
            break;
        }
    }
    event_base_loopbreak(p->base);
}

static void on_late(void *arg)
{
    struct post *p = arg;

    finish(p, "it does not answer in time", SPAN(""));
    event_base_loopbreak(p->base);
}

bool post_send(struct event_base *base, const struct backend *server, const struct post_mail *mail,
               char *why, size_t size)
{
    struct post p = {.base = base, .mail = mail, .why = why, .size = size};
    struct wire_plan plan = {.backend = server, .server = server->servers};

    dial_init(&p.dial);
    wire_init(&p.wire, base, &plan, &p.dial, on_ready, &p);
    alarm_init(&p.alarm, base, on_late, &p);
    alarm_set(&p.alarm, CONNECT_PATIENCE);
    if (!wire_dial(&p.wire, NULL))
        finish(&p, p.wire.why, SPAN(""));
    while (!p.over)
        event_base_dispatch(base);
    if (p.taken)
        wire_leave(&p.wire);
    alarm_stop(&p.alarm);
    wire_clear(&p.wire);
    dial_clear(&p.dial);
    return p.taken;
}
