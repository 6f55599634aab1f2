/* SPDX-License-Identifier: Apache-2.0
 *
 * The outbound relay between a hostile mail server and hostile remote ones, who sometimes do
 * not read. Most bytes are said by whoever speaks; some control characters are what happens
 * meanwhile (see act()). A first byte of 16 is LMTP.
 */
#include "proxy-out/relay/relay.h"

#include "fuzz.h"

/* Bytes that are none of either: the first of all, and those that choose a server. */
enum { LMTP = 16, LANES = 20 };

int fuzz_reached;

/* One lane's server. */
struct far {
    struct dial dial;
    bool dialled;
};

struct stage {
    struct relay relay;
    struct far far[RELAY_LANES];
    struct remote remote;
    enum relay_wish wish;
    unsigned at; /* whose server it is that speaks and is spoken of */
    bool server_speaks, disk_full;
    unsigned intents, outcomes;
};

static bool reserve(void *spool, size_t bytes)
{
    const struct stage *st = spool;

    (void)bytes;
    return !st->disk_full;
}

/* Every line is a record; who has an outcome had an intent. */
static void keep_records(struct stage *st)
{
    struct span all = buf_peek(&st->relay.lines);

    while (all.len > 0) {
        struct span line = span_cut(&all, '\n');
        struct record_memory *memory = NULL;
        struct record r;

        promise(record_read(line, &r, &memory));
        st->intents += r.what == RECORD_INTENT;
        st->outcomes += r.what == RECORD_OUTCOME;
        promise(st->outcomes <= st->intents);
        record_forget(&memory);
        fuzz_reached++;
    }
    buf_drop(&st->relay.lines, buf_len(&st->relay.lines));
}

static struct lane *lane_at(const struct stage *st, unsigned i)
{
    return i < st->relay.lanes ? st->relay.lane[i] : NULL;
}

/* Whoever may take a message as whole has an intent without outcome. */
static void look_at_ends(const struct stage *st)
{
    unsigned ends = 0;

    for (unsigned i = 0; i < RELAY_LANES; i++)
        ends += st->far[i].dialled && st->far[i].dial.ending != 0;
    promise(st->intents - st->outcomes >= ends);
}

static void server_listens(struct stage *st, size_t most)
{
    struct span pieces[DIAL_PIECES];
    size_t count = lane_at(st, st->at) ? relay_pieces(&st->relay, st->at, pieces) : 0, sum = 0;

    look_at_ends(st);
    for (size_t i = 0; i < count; i++)
        sum += pieces[i].len;
    if (sum > 0)
        relay_went(&st->relay, st->at, sum < most ? sum : most);
}

static void take_away(struct stage *st)
{
    for (unsigned i = 0; i < st->relay.lanes; i++) {
        struct lane *l = st->relay.lane[i];
        struct far *far = &st->far[i];

        promise(!l->dial || far->dialled);
        if (!l->left)
            continue;
        promise(far->dialled);
        /* Between transactions nothing may be open, and nothing half said. */
        promise(l->left != LEFT_CLEAN || (dial_waits(&far->dial) == 0 && far->dial.ending == 0));
        lane_taken(l);
        dial_clear(&far->dial);
        far->dialled = false;
    }
}

static void turn(struct stage *st)
{
    struct relay *r = &st->relay;

    if (st->wish != RELAY_WAIT)
        return;
    st->wish = relay_turn(r);
    keep_records(st);
    take_away(st);
    promise(st->wish != RELAY_CUT);
    promise(buf_len(&r->client.in) <= SERVE_IN_MAX && r->t.count <= TRANSACTION_RCPTS);
}

static void find(struct stage *st, uint8_t how)
{
    static const char reply[] = "250-x\r\n250-PIPELINING\r\n250-DSN\r\n250 SMTPUTF8\r\n";
    struct lane *l = lane_at(st, st->at);
    struct far *far = &st->far[st->at];
    struct ehlo ehlo = ehlo_read(how & 1 ? span_of(reply) : SPAN("250 x\r\n"));
    struct heard h;

    if (!l || l->is != LANE_SEEKS || far->dialled)
        return;
    l->again = false;
    dial_init(&far->dial);
    promise(dial_feed(&far->dial, SPAN("220 x\r\n")) && dial_next(&far->dial, &h) == 1 &&
            dial_next(&far->dial, &h) == 0);
    far->dialled = true;
    lane_opened(&st->relay, l, &far->dial, &ehlo, &st->remote, how & 2, how & 4);
}

static bool act(struct stage *st, uint8_t what)
{
    struct lane *l = lane_at(st, st->at);
    bool dialled = st->far[st->at].dialled;

    if (what >= LANES && what < LANES + RELAY_LANES) {
        st->at = what - LANES;
        return true;
    }
    switch (what) {
    case 1:
    case 2:
        st->server_speaks = what == 2;
        return true;
    case 3:
    case 4:
    case 5:
    case 6:
        find(st, (uint8_t)(what - 3) | (st->disk_full ? 4 : 0));
        return true;
    case 7:
        if (l && l->is == LANE_SEEKS && !dialled)
            lane_failed(&st->relay, l, FAIL_CONNECT, &st->remote);
        return true;
    case 8:
        if (l && dialled)
            lane_lost(&st->relay, l, FAIL_CLOSED);
        return true;
    case 11:
        server_listens(st, 5);
        return true;
    case 12:
        server_listens(st, 1 << 20);
        return true;
    case 14:
        buf_drop(&st->relay.client.out, buf_len(&st->relay.client.out));
        return true;
    case 15:
        st->disk_full = !st->disk_full;
        return true;
    default:
        return false;
    }
}

/* One byte of whoever speaks; false if there is no room for it. */
static void say(struct stage *st, const uint8_t *byte)
{
    struct span one = {(const char *)byte, 1};

    if (!st->server_speaks)
        (void)!serve_feed(&st->relay.client, one);
    else if (st->far[st->at].dialled)
        (void)!dial_feed(&st->far[st->at].dial, one);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct stage st = {.remote = {.rule = "*", .client_cert = ""}};
    struct relay_conf conf = {
        .host_name = "out.test", .mta.session.text = "s", .reserve = reserve, .spool = &st};

    st.remote.at.port = 25;
    conf.lmtp = size > 0 && bytes[0] == LMTP;
    relay_init(&st.relay, &conf);
    for (size_t i = 0; i < size && st.wish == RELAY_WAIT; i++) {
        if (!act(&st, bytes[i]))
            say(&st, &bytes[i]);
        else
            take_away(&st);
        if (bytes[i] < ' ')
            turn(&st);
    }
    keep_records(&st);
    for (unsigned i = 0; i < RELAY_LANES; i++)
        if (st.far[i].dialled)
            dial_clear(&st.far[i].dial);
    relay_clear(&st.relay);
    return 0;
}
