/* SPDX-License-Identifier: Apache-2.0
 *
 * The outbound relay between a mail server and far servers that have accidents (t/lib/world.h),
 * as dice fall; many thousand cases, some of them new in each run.
 *
 * Promised, whatever happens, of each recipient of each message:
 *   - the mail server hears one answer to each command, by the book and in order, and is not left
 *     to wait for what will not come;
 *   - 250 to the message only if one server has all of it, byte by byte, and said 250 to it; 5xx
 *     only if a server said so, or there is none; what was lost is a 4xx;
 *   - what an orderly server answers to the message is what the mail server hears;
 *   - no two servers get the end of it;
 *   - one row for each answer, of the same class, and there before it; the intent before the dot.
 *
 * T_SEED=N plays one case again, T_CASES=N plays so many new ones.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "t/lib/world.h"
#include "unit.h"

enum { FIXED = 3000, NEW = 3000, STEPS = 600 };

static unsigned long delivered, lost;

static bool reserve(void *spool, size_t bytes)
{
    const struct world *w = spool;

    (void)bytes;
    return !w->disk_full;
}

static void begin(struct world *w, uint64_t seed)
{
    struct relay_conf conf = {
        .host_name = "out.test", .mta.session.text = "s1", .reserve = reserve, .spool = w};

    world_cast(w, seed);
    conf.lmtp = w->lmtp;
    relay_init(&w->relay, &conf);
}

static void take_row(struct world *w, const struct record *r)
{
    struct message *m;
    struct fate *f = world_fate(w, r->column[COLUMN_rcpt], &m);

    if (r->what == RECORD_INTENT) {
        promise(w, f->intents++ == 0 && f->rows == 0);
        return;
    }
    promise(w, f->rows++ == 0);
    promise(w, r->what == (f->intents ? RECORD_OUTCOME : RECORD_ROW));
    f->type = r->column[COLUMN_type].at[0];
    promise(w, f->type == 't' || f->type == 'd' || f->type == 'b');
    promise(w, f->type != 'd' || (f->intents && f->taken));
}

static void keep_rows(struct world *w)
{
    struct span all = buf_peek(&w->relay.lines);

    while (all.len > 0) {
        struct span line = span_cut(&all, '\n');
        struct record r;

        promise(w, whole_read(&w->rows, line, &r));
        take_row(w, &r);
    }
    buf_drop(&w->relay.lines, buf_len(&w->relay.lines));
}

static void take_away(struct world *w, unsigned i)
{
    struct lane *l = w->relay.lane[i];
    struct server *s = w->of[i];

    promise(w, s && l->dial == &s->dial);
    /* What may be used again has nothing half said. */
    promise(w, l->left == LEFT_SPENT || l->left == LEFT_TIRED ||
                   (dial_waits(&s->dial) == (l->left == LEFT_IN_DATA) && s->dial.ending == 0));
    promise(w, l->left != LEFT_CLEAN || !s->bye || buf_len(&s->says) > 0);
    w->of[i] = NULL;
    if (l->left == LEFT_CLEAN && !w->kept[s->domain] && roll(w, 2))
        w->kept[s->domain] = s;
    else
        server_free(&s);
    lane_taken(l);
}

static void find_none(struct world *w, struct lane *l, unsigned domain)
{
    static const struct remote nowhere = {.rule = "", .client_cert = ""};
    enum fail fail = FAIL_NOT + 1 + (enum fail)roll(w, FAIL_COUNT - 1);
    struct message *m;

    (void)world_fate(w, span_of(w->relay.t.rcpt[0].address), &m);
    m->refused[domain] = m->refused[domain] || fail_reply(fail)[0] == '5';
    lane_failed(&w->relay, l, fail, &nowhere);
}

/* As hold.c and seek.c do it, with a list of servers of its own for each transaction. */
static void find(struct world *w, unsigned i)
{
    static const char *const replies[] = {"250 x\r\n", "250-x\r\n250-PIPELINING\r\n250 DSN\r\n"};
    struct lane *l = w->relay.lane[i];
    unsigned domain = (unsigned)world_number(l->domain + 1);
    bool kept = false, again = l->again;

    if (w->sought[i] != w->relay.t.number) {
        w->sought[i] = w->relay.t.number;
        w->left[i] = 1 + roll(w, 3);
    } else if (again) {
        w->left[i]++;
    }
    l->again = false;
    if (w->left[i] == 0 || accident(w)) {
        find_none(w, l, domain);
        return;
    }
    w->left[i]--;
    if (!again && w->kept[domain]) {
        w->of[i] = w->kept[domain];
        w->kept[domain] = NULL;
        kept = true;
        w->of[i]->closes = w->of[i]->closes || accident(w);
    } else {
        w->of[i] = server_new(w, domain);
    }
    struct ehlo ehlo = ehlo_read(span_of(replies[w->of[i]->pipelining]));

    lane_opened(&w->relay, l, &w->of[i]->dial, &ehlo, &w->of[i]->remote, w->left[i] > 0, kept);
}

static bool is_over(const struct server *s)
{
    return s->closes && buf_len(&s->says) == 0;
}

static size_t tend(struct world *w, unsigned i, bool late)
{
    struct lane *l = w->relay.lane[i];
    bool news = w->of[i] && !l->left && is_over(w->of[i]);

    if (news)
        lane_lost(&w->relay, l, FAIL_CLOSED);
    if (w->of[i] && l->left)
        take_away(w, i);
    if (l->is == LANE_SEEKS && !w->of[i] && !late) {
        find(w, i);
        news = true;
    }
    return news;
}

static size_t turn(struct world *w, bool late)
{
    size_t news = 0;

    if (w->wish != RELAY_WAIT)
        return 0;
    w->wish = relay_turn(&w->relay);
    promise(w, w->wish != RELAY_CUT);
    for (unsigned i = 0; i < w->relay.lanes; i++)
        news += tend(w, i, late);
    keep_rows(w);
    return news;
}

static size_t listen_to(struct world *w, unsigned i, size_t most)
{
    struct span pieces[DIAL_PIECES];
    size_t count = i < w->relay.lanes ? relay_pieces(&w->relay, i, pieces) : 0, len = 0;
    static char sent[1 << 17];

    for (size_t p = 0; p < count && len < most; p++) {
        size_t take = pieces[p].len < most - len ? pieces[p].len : most - len;

        promise(w, len + take <= sizeof sent);
        memcpy(sent + len, pieces[p].at, take);
        len += take;
    }
    if (len > 0) {
        relay_went(&w->relay, i, len);
        server_hears(w, w->of[i], (struct span){sent, len});
    }
    return len;
}

/* All that an orderly one has to say of a message is said: so it must be heard. */
static void note_due(struct server *s)
{
    if (!s->due || s->odd || buf_len(&s->says) > 0)
        return;
    for (unsigned n = 0; n < s->message->rcpts; n++)
        if (s->message->rcpt[n].domain == s->domain && s->message->rcpt[n].dots)
            s->message->rcpt[n].due = s->due;
    s->due = 0;
}

static size_t hear_from(struct world *w, unsigned i, size_t most)
{
    struct lane *l = i < w->relay.lanes ? w->relay.lane[i] : NULL;
    size_t len;

    if (!l || !w->of[i] || l->left)
        return 0;
    len = server_says(w, w->of[i], most);
    note_due(w->of[i]);
    return len;
}

/* Whom `i` has been waiting for too long. */
static void lose(struct world *w, unsigned i, enum fail why)
{
    if (i < w->relay.lanes && w->of[i] && !w->relay.lane[i]->left) {
        lane_lost(&w->relay, w->relay.lane[i], why);
        lost++;
    }
}

static bool client_is_waited_for(const struct world *w)
{
    return !w->mta.gone || w->relay.message == RELAY_ENDING;
}

static void step(struct world *w)
{
    unsigned i = w->relay.lanes ? roll(w, w->relay.lanes) : 0;
    size_t most = roll(w, 3) ? 1 + roll(w, 40) : 1 << 16;

    switch (roll(w, 8)) {
    case 0:
    case 1:
        (void)mta_says(w, most);
        break;
    case 2:
        (void)mta_hears(w, most);
        break;
    case 3:
    case 4:
        (void)listen_to(w, i, most);
        break;
    case 5:
    case 6:
        (void)hear_from(w, i, most);
        break;
    default:
        if (accident(w) && roll(w, 4) == 0)
            lose(w, i, roll(w, 2) ? FAIL_CLOSED : FAIL_TIMEOUT);
        if (accident(w) && roll(w, 10) == 0)
            w->mta.gone = true;
        if (accident(w) && roll(w, 4) == 0) {
            w->disk_full = !w->disk_full;
            w->any_full = true;
        }
    }
    (void)turn(w, roll(w, 4));
}

/* Everything moves as long as there is something to move; then who is waited for is late. */
static void come_to_an_end(struct world *w)
{
    unsigned rounds = 0;

    for (bool any = true; any && client_is_waited_for(w);) {
        size_t moved = mta_says(w, 1 << 16) + turn(w, false);

        promise(w, ++rounds < 20000);
        for (unsigned i = 0; i < w->relay.lanes; i++)
            moved += listen_to(w, i, 1 << 16) + hear_from(w, i, 1 << 16);
        moved += turn(w, false) + mta_hears(w, 1 << 16);
        any = moved > 0;
        for (unsigned i = 0; i < w->relay.lanes && !any; i++) {
            any = w->of[i] && w->of[i]->silent;
            lose(w, i, FAIL_TIMEOUT);
        }
        if (any && moved == 0)
            (void)turn(w, false);
    }
}

/* One answer to the message, and what it stands for. */
static void weigh_final(struct world *w, struct message *m, const struct fate *f)
{
    int class = f->final / 100;

    promise(w, class != 2 || (f->dots == 1 && f->taken == 1));
    promise(w, class != 5 || f->refused || m->refused[f->domain]);
    promise(w, f->due == 0 || f->due == class);
    if (w->temper == 0)
        promise(w, f->ours || m->reset || class == 2);
    delivered += class == 2;
}

static void weigh_rcpt(struct world *w, struct message *m, const struct fate *f)
{
    int class = f->rcpt / 100;

    promise(w, class > 0 || m->asked == 0);
    promise(w, class != 5 || f->ours || f->refused || m->refused[f->domain]);
    promise(w, class != 2 || m->reset || f->rows == 1);
    promise(w, f->intents == 0 || f->rows == 1);
}

static void weigh(struct world *w, struct message *m, const struct fate *f)
{
    promise(w, f->dots <= 1 && f->rows <= 1);
    promise(w, f->type != 'd' || f->final / 100 == 2 || w->mta.gone);
    if (w->mta.gone)
        return;
    weigh_rcpt(w, m, f);
    weigh_final(w, m, f);
}

static void end(struct world *w)
{
    /* As hold_free(). */
    for (unsigned i = 0; i < w->relay.lanes; i++) {
        lane_reset(w->relay.lane[i]);
        if (w->of[i])
            take_away(w, i);
    }
    whole_clear(&w->rows);
    relay_clear(&w->relay);
    for (unsigned i = 0; i < RELAY_LANES; i++)
        server_free(&w->of[i]);
    for (unsigned i = 0; i < WORLD_DOMAINS; i++)
        server_free(&w->kept[i]);
    buf_clear(&w->mta.says);
    buf_clear(&w->mta.heard);
}

static void play(uint64_t seed)
{
    static struct world w;

    begin(&w, seed);
    for (unsigned i = 0; i < STEPS && client_is_waited_for(&w) && w.wish == RELAY_WAIT; i++)
        step(&w);
    come_to_an_end(&w);
    promise(&w, w.mta.finished || w.mta.gone);
    for (unsigned i = 0; i < w.messages; i++)
        for (unsigned n = 0; n < w.message[i].rcpts; n++)
            weigh(&w, &w.message[i], &w.message[i].rcpt[n]);
    end(&w);
}

static unsigned long number(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);

    return text ? strtoul(text, NULL, 10) : otherwise;
}

static void holds_for_fixed_seeds(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= FIXED; seed++)
        play(seed);
    assert_true(delivered > FIXED / 2 && lost > FIXED / 50);
}

static void holds_for_new_seeds(void **state)
{
    uint64_t first = 0;
    double since = clock_mono();
    unsigned long cases = number("T_CASES", NEW);

    (void)state;
    assert_int_equal(getrandom(&first, 6, 0), 6);
    print_message("# seeds from %llu\n", (unsigned long long)first);
    for (unsigned long i = 0; i < cases; i++)
        play(first + i);
    print_message("# %.0f cases a second\n", (double)cases / (clock_mono() - since));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(holds_for_fixed_seeds),
                                       cmocka_unit_test(holds_for_new_seeds)};

    if (getenv("T_SEED")) {
        play(number("T_SEED", 0));
        return 0;
    }
    return cmocka_run_group_tests_name("out-property", tests, NULL, NULL);
}
