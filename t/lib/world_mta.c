/* SPDX-License-Identifier: Apache-2.0 */
#include "t/lib/world.h"

#include <stdio.h>
#include <stdlib.h>

enum { ALL = WORLD_RCPTS };

void world_promise(const struct world *w, bool holds, const char *file, int line, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "# %s:%d: broken: %s\n# once more: T_SEED=%llu t/unit/out-property\n", file,
            line, what, (unsigned long long)w->seed);
    abort();
}

unsigned roll(struct world *w, unsigned sides)
{
    w->x ^= w->x << 13;
    w->x ^= w->x >> 7;
    w->x ^= w->x << 17;
    return (unsigned)(w->x >> 32) % sides;
}

bool accident(struct world *w)
{
    return roll(w, 1000) < w->temper;
}

uint32_t world_sum(uint32_t sum, const char *at, size_t len)
{
    while (len-- > 0)
        sum = (sum ^ (uint8_t)*at++) * 16777619;
    return sum;
}

struct fate *world_fate(struct world *w, struct span address, struct message **message)
{
    unsigned m = 0, n = 0, d = 0;
    char text[64] = "";

    memcpy(text, address.at, address.len < sizeof text ? address.len : sizeof text - 1);
    promise(w, sscanf(text, "r%u-%u@d%u.test", &m, &n, &d) == 3);
    promise(w, m < w->messages && n < w->message[m].rcpts && w->message[m].rcpt[n].domain == d);
    *message = &w->message[m];
    return &w->message[m].rcpt[n];
}

void world_cast(struct world *w, uint64_t seed)
{
    static const unsigned tempers[] = {0, 5, 30, 100, 300};

    *w = (struct world){.seed = seed, .x = seed * 0x9e3779b97f4a7c15 + 1};
    w->temper = tempers[roll(w, COUNT_OF(tempers))];
    w->lmtp = roll(w, 2);
    w->domains = roll(w, 8) == 0 ? WORLD_DOMAINS : w->lmtp || roll(w, 8) == 0 ? 3 : 1;
    w->messages = 1 + roll(w, WORLD_MESSAGES);
    for (unsigned i = 0; i < w->messages; i++) {
        struct message *m = &w->message[i];

        m->rcpts = 1 + roll(w, roll(w, 4) ? 4 : WORLD_RCPTS);
        m->reset = roll(w, 8) == 0;
        for (unsigned n = 0; n < m->rcpts; n++)
            m->rcpt[n].domain = roll(w, w->domains);
    }
    buf_init(&w->mta.says, 1 << 20);
    buf_init(&w->mta.heard, 1 << 20);
    w->mta.pipelining = roll(w, 2);
    w->mta.expects[w->mta.last++] = (struct expect){HEARS_ANY, 0, 0}; /* the greeting */
}

static void expect(struct world *w, unsigned what, unsigned rcpt)
{
    struct mta *a = &w->mta;

    promise(w, a->last < COUNT_OF(a->expects));
    a->expects[a->last++] = (struct expect){what, a->at, rcpt};
}

static void say(struct world *w, const char *text)
{
    promise(w, buf_add(&w->mta.says, span_of(text)));
}

static void say_rcpt(struct world *w)
{
    struct message *m = &w->message[w->mta.at];

    promise(w, buf_addf(&w->mta.says, "RCPT TO:<r%u-%u@d%u.test>\r\n", w->mta.at, m->asked,
                        m->rcpt[m->asked].domain));
    expect(w, HEARS_RCPT, m->asked);
    if (++m->asked == m->rcpts)
        w->mta.next = SAYS_DATA;
}

static void next_message(struct world *w)
{
    w->mta.next = ++w->mta.at < w->messages ? SAYS_MAIL : SAYS_QUIT;
}

static void say_rset(struct world *w)
{
    say(w, "RSET\r\n");
    expect(w, HEARS_ANY, 0);
    next_message(w);
}

static void say_data(struct world *w)
{
    if (w->message[w->mta.at].reset) {
        say_rset(w);
        return;
    }
    say(w, "DATA\r\n");
    expect(w, HEARS_DATA, 0);
    w->mta.next = SAYS_NOTHING; /* until it is answered */
}

static void say_body(struct world *w)
{
    struct message *m = &w->message[w->mta.at];
    struct buf *to = &w->mta.says;
    size_t before = buf_len(to);
    unsigned lines = roll(w, 40) ? roll(w, 8) : roll(w, 1500);

    while (lines-- > 0)
        promise(w, buf_addf(to, "%s%0*u\r\n", roll(w, 4) ? "" : "..", 1 + (int)roll(w, 70), lines));
    say(w, ".\r\n");
    m->sum = world_sum(0, buf_peek(to).at + before, buf_len(to) - before);
    for (unsigned i = 0; w->lmtp && i < m->rcpts; i++)
        if (m->rcpt[i].rcpt / 100 == 2)
            expect(w, HEARS_FINAL, i);
    if (!w->lmtp)
        expect(w, HEARS_FINAL, ALL);
    next_message(w);
}

static void go_on(struct world *w)
{
    struct mta *a = &w->mta;

    /* A greeting and what changes the state are waited for (RFC 2920). */
    if (a->first != a->last &&
        (!a->pipelining || a->next == SAYS_MAIL || a->next == SAYS_HELLO || a->next == SAYS_QUIT))
        return;
    switch (a->next) {
    case SAYS_HELLO:
        say(w, w->lmtp ? "LHLO mta.test\r\n" : "EHLO mta.test\r\n");
        expect(w, HEARS_ANY, 0);
        a->next = SAYS_MAIL;
        break;
    case SAYS_MAIL:
        say(w, "MAIL FROM:<a@a.test>\r\n");
        expect(w, HEARS_MAIL, 0);
        a->next = SAYS_RCPT;
        break;
    case SAYS_RCPT:
        say_rcpt(w);
        break;
    case SAYS_DATA:
        say_data(w);
        break;
    case SAYS_RSET:
        say_rset(w);
        break;
    case SAYS_BODY:
        say_body(w);
        break;
    case SAYS_QUIT:
        say(w, "QUIT\r\n");
        expect(w, HEARS_QUIT, 0);
        a->next = SAYS_NOTHING;
        break;
    case SAYS_NOTHING:
        break;
    }
}

size_t mta_says(struct world *w, size_t most)
{
    size_t size, len = 0;
    char *at;

    if (w->mta.gone || w->wish != RELAY_WAIT)
        return 0;
    go_on(w);
    size = serve_space(&w->relay.client, &at);
    if (size > 0) {
        struct span text = buf_peek(&w->mta.says);

        len = text.len < size ? text.len : size;
        len = len < most ? len : most;
        if (len > 0)
            memcpy(at, text.at, len);
        serve_grew(&w->relay.client, len);
        buf_drop(&w->mta.says, len);
    }
    return len;
}

/* The answer to a message: the row must have been there before. */
static void hear_final(struct world *w, struct message *m, unsigned n, int code)
{
    struct fate *f = &m->rcpt[n];

    promise(w, f->final == 0 && f->rcpt / 100 == 2);
    f->final = code;
    promise(w, f->rows == 1);
    promise(w, f->type == (code / 100 == 2 ? 'd' : code / 100 == 5 ? 'b' : 't'));
}

static void hear_all(struct world *w, struct message *m, int code)
{
    for (unsigned i = 0; i < m->rcpts; i++)
        if (m->rcpt[i].rcpt / 100 == 2)
            hear_final(w, m, i, code);
}

static bool is_ours(struct span text)
{
    static const char *const words[] = {"503 5.5.1 MAIL first", "452 4.3.1 No room", "452 4.5.3 "};
    bool is = false;

    for (size_t i = 0; i < COUNT_OF(words); i++)
        is = is || span_starts_nocase(text, words[i]);
    return is;
}

static void hear_data(struct world *w, struct message *m, int code)
{
    unsigned accepted = 0;

    for (unsigned i = 0; i < m->rcpts; i++)
        accepted += m->rcpt[i].rcpt / 100 == 2;
    promise(w, code == 354 || code / 100 == 4 || code / 100 == 5);
    promise(w, code != 354 || accepted > 0);
    if (code == 354) {
        w->mta.next = SAYS_BODY;
        return;
    }
    hear_all(w, m, code);
    m->reset = m->reset || accepted == 0;
    w->mta.next = SAYS_RSET;
}

static void hear_rcpt(struct world *w, struct message *m, struct fate *f, int code,
                      struct span text)
{
    f->rcpt = code;
    f->ours = is_ours(text);
    promise(w, code / 100 == 2 || code / 100 == 4 || code / 100 == 5);
    promise(w, code != 421);
    promise(w, code / 100 != 2 || f->yes || m->odd[f->domain]);
    if (f->ours || code / 100 == 2)
        return;
    promise(w, f->rows == 1 && f->type == (code / 100 == 5 ? 'b' : 't'));
}

static void hear(struct world *w, int code, struct span text)
{
    struct mta *a = &w->mta;

    promise(w, a->first < a->last);
    struct expect e = a->expects[a->first++];
    struct message *m = &w->message[e.message];

    switch (e.what) {
    case HEARS_ANY:
        promise(w, code / 100 == 2);
        break;
    case HEARS_MAIL:
        promise(w, code == 250 || code == 452);
        break;
    case HEARS_RCPT:
        hear_rcpt(w, m, &m->rcpt[e.rcpt], code, text);
        break;
    case HEARS_DATA:
        hear_data(w, m, code);
        break;
    case HEARS_FINAL:
        promise(w, code / 100 == 2 || code / 100 == 4 || code / 100 == 5);
        if (e.rcpt == ALL)
            hear_all(w, m, code);
        else
            hear_final(w, m, e.rcpt, code);
        break;
    case HEARS_QUIT:
        promise(w, code == 221);
        a->finished = true;
        break;
    }
}

/* Whole replies, by the book. */
static void read_replies(struct world *w)
{
    for (;;) {
        struct span in = buf_peek(&w->mta.heard);
        size_t len = 0;
        bool last = false;

        while (!last) {
            const char *lf = in.len > len ? memchr(in.at + len, '\n', in.len - len) : NULL;
            const char *line = in.at + len;

            if (!lf)
                return;
            promise(w, lf - line >= 4 && lf[-1] == '\r' && !memcmp(line, in.at, 3));
            last = line[3] != '-';
            len = (size_t)(lf - in.at) + 1;
        }
        hear(w, world_number(in.at), (struct span){in.at, len});
        buf_drop(&w->mta.heard, len);
    }
}

size_t mta_hears(struct world *w, size_t most)
{
    struct span text = buf_peek(&w->relay.client.out);
    size_t len = text.len < most ? text.len : most;

    if (!w->mta.gone && len > 0)
        promise(w, buf_add(&w->mta.heard, (struct span){text.at, len}));
    buf_drop(&w->relay.client.out, len);
    if (!w->mta.gone)
        read_replies(w);
    return len;
}
