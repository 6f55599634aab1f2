/* SPDX-License-Identifier: Apache-2.0
 *
 * Both peers are honest, and as erratic as the wire is: they ask many things at once, send and
 * read any number of bytes, and sometimes do not read for long. The input is their dice.
 *
 * Promised: every question gets its own answer, in order; every message arrives as it was
 * sent; nobody waits for ever; what is held has a ceiling (glue_check()).
 */
#include "glue.h"

int fuzz_reached;

int fuzz_accidents = 150; /* each is a long day */

enum { QUESTIONS = 100, BAD_MOST = 10, STEPS = 3000, PIPE_MAX = 4 << 20 };

/* What the client must hear: what kind of answer, and to which question. */
struct expected {
    enum { HEARS_250, HEARS_500, HEARS_354_OR_554, HEARS_FINAL, HEARS_GREETING } what;
    unsigned number;
};

static struct world {
    const uint8_t *dice;
    size_t dice_left;
    uint64_t x;
    struct glue glue;
    struct { /* the client */
        struct buf says, heard;
        struct expected expects[20 * QUESTIONS];
        unsigned first, next, asked, bad;
        bool waits; /* for what DATA is answered with */
    } c;
    struct { /* the upstream */
        struct buf says, heard;
        bool in_message, last;
        uint32_t sum;
        unsigned tail;          /* bytes of CRLF.CRLF seen */
        unsigned chunk, octets; /* of a chunk: to come, in all */
    } u;
} w;

static unsigned roll(unsigned sides)
{
    if (w.dice_left) {
        w.dice_left--;
        w.x = w.x * 31 + *w.dice;
        return *w.dice++ % sides;
    }
    w.x ^= w.x << 13;
    w.x ^= w.x >> 7;
    w.x ^= w.x << 17;
    return (unsigned)(w.x >> 32) % sides;
}

static uint32_t add_up(uint32_t sum, struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        sum = (sum ^ (uint8_t)s.at[i]) * 16777619;
    return sum;
}

static void expect(unsigned what, unsigned number)
{
    promise(w.c.next < COUNT_OF(w.c.expects));
    w.c.expects[w.c.next++] = (struct expected){what, number};
}

/* A message in chunks, cut anywhere, with whatever else is asked behind it. */
static void client_says_chunks(void)
{
    static char text[3000];
    size_t len = 0, at = 0;

    while (len + 200 < sizeof text && roll(12))
        len += (size_t)snprintf(text + len, 120, "%s%0*u\r\n", roll(3) ? "" : ".", (int)roll(90),
                                roll(9));
    bool last = false;

    for (unsigned chunks = 0; !last; chunks++) {
        size_t most = len - at;
        size_t octets = chunks < 5 && roll(3) ? roll((unsigned)most + 1) : most;

        last = at + octets == len && (chunks >= 5 || roll(2));
        promise(buf_addf(&w.c.says, "BDAT %zu%s\r\n", octets, last ? " LAST" : ""));
        promise(buf_add(&w.c.says, (struct span){text + at, octets}));
        at += octets;
        expect(last ? HEARS_FINAL : HEARS_250,
               last ? add_up(0, (struct span){text, len}) : (unsigned)octets);
    }
}

static void client_asks(void)
{
    unsigned n = w.c.asked++, what = roll(6);
    bool fits, bad = what == 2 || what == 3;

    w.c.bad = bad ? w.c.bad + 1 : 0;
    switch (w.c.bad < BAD_MOST ? what : 0) { /* too many in a row, and we are thrown out */
    case 0:
        w.c.bad = 0;
        fits = buf_addf(&w.c.says, "NOOP %u\r\n", n);
        expect(HEARS_250, n);
        break;
    case 1:
        fits = buf_addf(&w.c.says, "RCPT TO:<%0*u@x>\r\n", 1 + (int)roll(1500), n);
        expect(HEARS_250, n);
        break;
    case 2:
        fits = buf_addf(&w.c.says, "BOGUS %u\r\n", n);
        expect(HEARS_500, n);
        break;
    case 3:
        fits = buf_addf(&w.c.says, "NOOP %0*u\r\n", 2048 + (int)roll(5000), n); /* too long */
        expect(HEARS_500, n);
        break;
    case 4:
        w.c.bad = 0;
        client_says_chunks();
        fits = true;
        break;
    default:
        fits = buf_add(&w.c.says, SPAN("DATA\r\n"));
        expect(HEARS_354_OR_554, n);
        w.c.waits = true;
    }
    promise(fits);
}

static void client_says_message(void)
{
    static char line[3000];
    size_t before = buf_len(&w.c.says);

    memset(line, 'x', sizeof line);
    for (unsigned lines = roll(100); lines-- > 0;)
        promise(buf_addf(&w.c.says, "%s%.*s\r\n", roll(4) ? "" : "..",
                         (int)(roll(20) ? roll(80) : roll(sizeof line)), line));
    promise(buf_add(&w.c.says, SPAN(".\r\n")));
    expect(HEARS_FINAL, add_up(0, span_after(buf_peek(&w.c.says), before)));
}

/* One line of an answer, and the last of it. */
static void client_hears(struct span line)
{
    promise(w.c.first < w.c.next && line.len > 4 && line.at[3] == ' ');
    struct expected e = w.c.expects[w.c.first++];
    unsigned code = 0, number = 0;
    char text[64] = "";

    memcpy(text, line.at, line.len < 60 ? line.len : 60);
    sscanf(text, "%u %u", &code, &number);
    promise(e.what != HEARS_GREETING || code == 220);
    promise(e.what != HEARS_250 || (code == 250 && number == e.number));
    promise(e.what != HEARS_500 || code == 500);
    promise(e.what != HEARS_FINAL || (code == 250 && number == e.number));
    fuzz_reached += e.what == HEARS_FINAL;
    if (e.what != HEARS_354_OR_554)
        return;
    promise(code == 354 || code == 554);
    w.c.waits = false;
    if (code == 354)
        client_says_message();
}

static void client_reads(void)
{
    for (struct span in; (in = buf_peek(&w.c.heard)).len;) {
        const char *lf = memchr(in.at, '\n', in.len);

        if (!lf)
            return;
        size_t len = (size_t)(lf - in.at) + 1;

        promise(len > 5 && lf[-1] == '\r');
        if (in.at[3] != '-')
            client_hears((struct span){in.at, len - 2});
        buf_drop(&w.c.heard, len);
    }
}

static void chunk_is_there(void)
{
    promise(buf_addf(&w.u.says, "250 %u\r\n", w.u.last ? w.u.sum : w.u.octets));
    w.u.sum = w.u.last ? 0 : w.u.sum;
}

static void upstream_obeys(struct span line)
{
    unsigned n = 0;
    char text[2200] = "";

    promise(line.len < sizeof text);
    memcpy(text, line.at, line.len);
    if (sscanf(text, "BDAT %u", &w.u.octets) == 1) {
        w.u.last = strstr(text, " LAST") != NULL;
        w.u.chunk = w.u.octets;
        if (w.u.chunk == 0)
            chunk_is_there();
        return;
    }
    if (span_is(line, "DATA")) {
        w.u.in_message = roll(3) > 0;
        w.u.sum = 0;
        w.u.tail = 2; /* a line begins */
        promise(buf_addf(&w.u.says, "%s\r\n", w.u.in_message ? "354 go" : "554 no"));
        return;
    }
    promise(sscanf(text, "NOOP %u", &n) == 1 || sscanf(text, "EHLO %u", &n) == 1 ||
            sscanf(text, "RCPT TO:<%u", &n) == 1);
    for (unsigned lines = roll(4); lines-- > 0;)
        promise(buf_addf(&w.u.says, "250-%u of many\r\n", n));
    promise(buf_addf(&w.u.says, "250 %u\r\n", n));
}

/* One byte of a message: the slow way, so that it can be believed. */
static void upstream_takes(char c)
{
    static const char end[] = "\r\n.\r\n";

    w.u.sum = add_up(w.u.sum, (struct span){&c, 1});
    w.u.tail = c == end[w.u.tail] ? w.u.tail + 1 : c == '\r' ? 1 : 0;
    if (w.u.tail < 5)
        return;
    w.u.in_message = false;
    promise(buf_addf(&w.u.says, "250 %u\r\n", w.u.sum));
    w.u.sum = 0;
}

static void upstream_reads(void)
{
    for (struct span in; (in = buf_peek(&w.u.heard)).len;) {
        const char *lf = memchr(in.at, '\n', in.len);
        size_t len = 1;

        if (w.u.chunk) {
            w.u.sum = add_up(w.u.sum, (struct span){in.at, 1});
            if (--w.u.chunk == 0)
                chunk_is_there();
        } else if (w.u.in_message) {
            upstream_takes(*in.at);
        } else if (lf) {
            len = (size_t)(lf - in.at) + 1;
            promise(len > 2 && lf[-1] == '\r');
            upstream_obeys((struct span){in.at, len - 2});
        } else {
            return;
        }
        buf_drop(&w.u.heard, len);
    }
}

static size_t move_to_serve(size_t most)
{
    struct span from = buf_peek(&w.c.says);
    char *at;
    size_t room = serve_space(&w.glue.client, &at);
    size_t len = from.len < most ? from.len : most;

    len = len < room ? len : room;
    if (len)
        memcpy(at, from.at, len);
    serve_grew(&w.glue.client, len);
    buf_drop(&w.c.says, len);
    return len;
}

static size_t move_to_dial(size_t most)
{
    struct span from = buf_peek(&w.u.says);
    char *at;
    size_t room = dial_space(&w.glue.upstream, &at);
    size_t len = from.len < most ? from.len : most;

    len = len < room ? len : room;
    if (len)
        memcpy(at, from.at, len);
    dial_grew(&w.glue.upstream, len);
    buf_drop(&w.u.says, len);
    return len;
}

static size_t move_to_upstream(size_t most)
{
    static char sent[70000];
    size_t len = glue_send(&w.glue, sent, most);

    promise(buf_add(&w.u.heard, (struct span){sent, len}));
    upstream_reads();
    return len;
}

static size_t move_to_client(size_t most)
{
    struct span out = buf_peek(&w.glue.client.out);

    out.len = out.len < most ? out.len : most;
    promise(buf_add(&w.c.heard, out));
    buf_drop(&w.glue.client.out, out.len);
    client_reads();
    return out.len;
}

static size_t (*const moves[])(size_t) = {move_to_serve, move_to_dial, move_to_upstream,
                                          move_to_client};

/* Erratic: who listens changes now and then, and how much is moved at a time. */
static void play(void)
{
    unsigned listen = 15;

    for (int i = 0; i < STEPS; i++) {
        if (roll(60) == 0)
            listen = roll(16);
        if (!w.c.waits && w.c.asked < QUESTIONS && roll(8) == 0)
            client_asks();
        unsigned which = roll(4);

        if (listen >> which & 1)
            moves[which](1 + (roll(3) ? roll(100) : roll(60000)));
        glue_turn(&w.glue);
    }
}

/* Then all listen, and all must be said: whoever waits for ever is found here. */
static void finish(void)
{
    for (size_t moved = 1; moved;) {
        moved = 0;
        for (size_t i = 0; i < COUNT_OF(moves); i++) {
            moved += moves[i](60000);
            glue_turn(&w.glue);
        }
    }
    promise(w.c.first == w.c.next && !w.c.waits);
    promise(buf_len(&w.c.says) == 0 && buf_len(&w.u.says) == 0);
    promise(w.glue.client.in.bytes == NULL && w.glue.client.out.bytes == NULL);
    promise(w.glue.upstream.in.bytes == NULL && w.glue.upstream.out.bytes == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    w = (struct world){.dice = bytes, .dice_left = size, .x = 88172645463325252};
    buf_init(&w.c.says, PIPE_MAX);
    buf_init(&w.c.heard, PIPE_MAX);
    buf_init(&w.u.says, PIPE_MAX);
    buf_init(&w.u.heard, PIPE_MAX);
    glue_init(&w.glue, DOT_REJECT);
    expect(HEARS_GREETING, 0);
    promise(buf_add(&w.u.says, SPAN("220 mx\r\n")) && buf_add(&w.c.says, SPAN("EHLO 0\r\n")));
    expect(HEARS_250, 0);
    play();
    finish();
    glue_clear(&w.glue);
    return 0;
}
