/* SPDX-License-Identifier: Apache-2.0 */
#include "t/lib/world.h"

#include <stdlib.h>

struct server *server_new(struct world *w, unsigned domain)
{
    struct server *s = calloc(1, sizeof *s);
    struct heard h;

    promise(w, s);
    s->domain = domain;
    s->pipelining = roll(w, 3) > 0;
    s->remote = (struct remote){.rule = "*", .client_cert = "", .at.port = 25};
    dial_init(&s->dial);
    promise(w, dial_feed(&s->dial, SPAN("220 x\r\n")) && dial_next(&s->dial, &h) == 1 &&
                   dial_next(&s->dial, &h) == 0);
    buf_init(&s->heard, 1 << 20);
    buf_init(&s->says, 1 << 20);
    return s;
}

void server_free(struct server **s)
{
    if (!*s)
        return;
    dial_clear(&(*s)->dial);
    buf_clear(&(*s)->heard);
    buf_clear(&(*s)->says);
    free(*s);
    *s = NULL;
}

static void say(struct world *w, struct server *s, const char *text)
{
    promise(w, buf_add(&s->says, span_of(text)));
}

enum phase { TO_MAIL, TO_RCPT, TO_DATA, TO_DOT, TO_OTHER };

static const char *const normal[] = {
    [TO_MAIL] = "250 2.1.0 Ok\r\n", [TO_RCPT] = "250-2.1.5 Yes\r\n250 2.1.5 Ok\r\n",
    [TO_DATA] = "354 go\r\n",       [TO_DOT] = "250 2.0.0 Taken\r\n",
    [TO_OTHER] = "250 Ok\r\n",
};

/* A 5xx is said: whom may it concern? */
static void refuses(struct server *s, enum phase to)
{
    if (!s->message)
        return;
    if (to == TO_RCPT && !s->odd)
        s->rcpt[s->rcpts - 1]->refused = true;
    else
        s->message->refused[s->domain] = true;
}

/* What no server should say. The code that it means, if it means one. */
static int say_odd(struct world *w, struct server *s, enum phase to)
{
    s->odd = s->message->odd[s->domain] = true;
    switch (roll(w, 10)) {
    case 0:
        say(w, s, to == TO_DATA ? "250 Ok\r\n" : "354 go\r\n");
        return to == TO_DATA ? 250 : 354;
    case 1:
        say(w, s, "hello, world\r\n");
        return 0;
    case 2:
        say(w, s, "250 Ok\n");
        return 0;
    case 3: /* of two at once, or one too early */
        say(w, s, normal[to]);
        say(w, s, roll(w, 2) ? "250 Ok\r\n" : "354 go\r\n");
        return to == TO_DATA ? 354 : 250;
    case 4:
        promise(w, buf_addf(&s->says, "250 %08192u\r\n", 1U));
        return 0;
    case 5:
        for (unsigned i = 0; i < 600; i++)
            say(w, s, "250-and so on\r\n");
        return 0;
    case 6:
        say(w, s, "250-One\r\n550 Two\r\n");
        return 0;
    case 7:
        promise(w, buf_addf(&s->says, "250 %030000u", 1U)); /* a line without an end */
        return 0;
    case 8:
        say(w, s, "150 wait\r\n");
        return 0;
    default:
        say(w, s, normal[to]);
        say(w, s, "550 5.0.0 And another word\r\n");
        s->message->refused[s->domain] = true;
        return to == TO_DATA ? 354 : 250;
    }
}

/* The code. */
static int say_accident(struct world *w, struct server *s, enum phase to)
{
    switch (roll(w, 10)) {
    case 0:
    case 1:
        say(w, s, "451-4.3.0 Not\r\n451 4.3.0 now\r\n");
        return 451;
    case 2:
    case 3:
        say(w, s, "550 5.7.1 No\r\n");
        refuses(s, to);
        return 550;
    case 4:
        say(w, s, "421 4.3.2 Bye\r\n");
        s->closes = s->bye = true;
        return 421;
    case 5:
        s->closes = true;
        return 0;
    case 6:
        s->silent = true;
        return 0;
    case 7: /* cut in the middle, or behind it */
        say(w, s, roll(w, 2) ? normal[to] : "25");
        s->closes = true;
        return buf_peek(&s->says).at[buf_len(&s->says) - 1] == '\n' ? world_number(normal[to]) : 0;
    default:
        return say_odd(w, s, to);
    }
}

static int answer(struct world *w, struct server *s, enum phase to)
{
    if (s->closes || s->silent)
        return 0;
    if (s->message && accident(w))
        return say_accident(w, s, to);
    say(w, s, normal[to]);
    return world_number(normal[to]);
}

static void hear_mail(struct world *w, struct server *s)
{
    /* One left in a transaction, or in a message, is not to be used again. */
    promise(w, s->odd || s->closes || s->rcpts == 0);
    (void)world_fate(w, span_of(w->relay.t.rcpt[0].address), &s->message);
    s->rcpts = 0;
    s->due = 0;
    (void)answer(w, s, TO_MAIL);
}

static void hear_rcpt(struct world *w, struct server *s, struct span line)
{
    struct message *m;
    struct fate *f = world_fate(w, span_after(line, strlen("RCPT TO:<")), &m);
    int code;

    promise(w, m == s->message && f->domain == s->domain && s->rcpts < WORLD_RCPTS);
    promise(w, f->final == 0);
    s->rcpt[s->rcpts++] = f;
    code = answer(w, s, TO_RCPT);
    s->no[s->rcpts - 1] = code / 100 != 2 && !s->odd;
    f->yes = f->yes || code / 100 == 2;
}

/* All of the message is here. */
static void hear_end(struct world *w, struct server *s)
{
    int code = s->early ? s->early : answer(w, s, TO_DOT);

    promise(w, s->sum == s->message->sum);
    for (unsigned i = 0; i < s->rcpts; i++) {
        struct fate *f = s->rcpt[i];

        if (s->no[i] || (s->odd && !f->intents))
            continue;
        promise(w, f->intents == 1); /* before the dot went out */
        promise(w, ++f->dots == 1);  /* and nowhere else */
        f->taken += code / 100 == 2;
    }
    s->due = s->odd || s->early ? 0 : code / 100;
    s->in = IN_COMMANDS;
}

static void hear_command(struct world *w, struct server *s, struct span line)
{
    if (span_starts_nocase(line, "MAIL")) {
        hear_mail(w, s);
    } else if (span_starts_nocase(line, "RCPT")) {
        hear_rcpt(w, s, line);
    } else {
        promise(w, span_is(line, "DATA\r\n") && s->message);
        s->in = answer(w, s, TO_DATA) == 354 ? AT_LINE : IN_COMMANDS;
        s->sum = 0;
        s->early = 0;
    }
}

static void take_lines(struct world *w, struct server *s)
{
    while (s->in == IN_COMMANDS) {
        struct span in = buf_peek(&s->heard);
        const char *lf = in.len ? memchr(in.at, '\n', in.len) : NULL;

        if (!lf)
            return;
        struct span line = {in.at, (size_t)(lf - in.at) + 1};

        hear_command(w, s, line);
        buf_drop(&s->heard, line.len);
    }
}

/* Takes a byte of a message: is it the last? */
static bool is_end(struct server *s, char c)
{
    s->sum = world_sum(s->sum, &c, 1);
    if (s->in == AFTER_DOT_CR && c == '\n')
        return true;
    if (c == '\n')
        s->in = AT_LINE;
    else if (s->in == AT_LINE && c == '.')
        s->in = AFTER_DOT;
    else
        s->in = s->in == AFTER_DOT && c == '\r' ? AFTER_DOT_CR : IN_LINE;
    return false;
}

/* Some servers have heard enough before the end. */
static void be_early(struct world *w, struct server *s)
{
    static const char *const words[] = {"552 5.3.4 Too big\r\n", "421 4.3.2 Enough\r\n",
                                        "250 Fine\r\n"};
    unsigned i = roll(w, COUNT_OF(words));

    if (s->early || s->closes || s->silent || !accident(w))
        return;
    say(w, s, words[i]);
    s->early = world_number(words[i]);
    s->odd = s->message->odd[s->domain] = true;
    s->message->refused[s->domain] = s->message->refused[s->domain] || i == 0;
    s->closes = roll(w, 2);
}

static void take_message(struct world *w, struct server *s)
{
    struct span in = buf_peek(&s->heard);
    size_t len = 0;
    bool end = false;

    while (len < in.len && !end)
        end = is_end(s, in.at[len++]);
    if (end)
        hear_end(w, s);
    else if (len > 0)
        be_early(w, s);
    if (end)
        s->rcpts = 0;
    buf_drop(&s->heard, len);
}

void server_hears(struct world *w, struct server *s, struct span bytes)
{
    promise(w, buf_add(&s->heard, bytes));
    while (buf_len(&s->heard) > 0) {
        size_t before = buf_len(&s->heard);

        take_lines(w, s);
        if (s->in != IN_COMMANDS)
            take_message(w, s);
        if (buf_len(&s->heard) == before)
            return;
    }
}

size_t server_says(struct world *w, struct server *s, size_t most)
{
    struct span text = buf_peek(&s->says);
    size_t len = text.len < most ? text.len : most, size;
    char *at;

    size = dial_space(&s->dial, &at);
    (void)w;
    if (size == 0)
        return 0;
    len = len < size ? len : size;
    if (len > 0)
        memcpy(at, text.at, len);
    dial_grew(&s->dial, len);
    buf_drop(&s->says, len);
    return len;
}
