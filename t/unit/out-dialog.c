/* SPDX-License-Identifier: Apache-2.0
 *
 * Plays the written conversations t/dialog/out-*.dlg through proxy-out's relay, without a
 * socket. Whatever is said at one go, without a line of the other kinds in between, arrives at
 * once: that is pipelining. At the end nothing may be left unheard and no record unseen.
 *
 *   c> c<         the mail server that hands over says; must hear
 *   s> s<         the upstream says; must hear
 *   s2> !seeks2   another lane's upstream; where no number stands it is the first
 *   !foreign      the client may not hand over
 *   !ids WORD...  which queue ids are believed; the key is 1, 2. xforward if not said
 *   !lmtp         it speaks LMTP
 *   !disk full|free
 *   !seeks        a server is wanted
 *   !again        the same one, on a new connection
 *   !server NAME ADDRESS [more] [kept] [secure] [KEYWORD...]   one was found; `more`: it is
 *                 not the last; `kept`: it was used before
 *   !none WORD    none was found: a word of fail.def
 *   !lost WORD    the upstream broke
 *   !takes NUMBER the upstream's wire takes so many bytes, and then none
 *   !left WORD    and is let go of: clean, open (in a transaction), data (and
 *                 that was asked for nobody), tired (of us) or spent
 *   !rec DO TYPE  the next record: row, intent or outcome; d, b or t
 *   !col NAME=VALUE   a column of that record; VALUE may be empty
 *   !counted WHAT NUMBER   eight-bit or no-dsn, of the whole session
 *   !ended        the session is over
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "t/lib/lanes.h"
#include "unit.h"

static bool reserve(void *spool, size_t bytes)
{
    struct stage *st = spool;

    st->reserved += st->disk_full ? 0 : bytes;
    return !st->disk_full;
}

static void begin(struct stage *st)
{
    if (st->begun)
        return;
    st->begun = true;
    st->conf.spool = st;
    relay_init(&st->relay, &st->conf);
}

static size_t write_out(struct stage *st)
{
    struct relay *r = &st->relay;
    size_t sum = buf_len(&r->client.out);

    for (unsigned i = 0; i < r->lanes; i++)
        sum += lanes_write(st, i);
    assert_true(buf_add(&st->to_client, buf_peek(&r->client.out)));
    buf_drop(&r->client.out, buf_len(&r->client.out));
    return sum;
}

static void turn(struct stage *st)
{
    begin(st);
    do {
        st->wish = relay_turn(&st->relay);
        assert_true(buf_add(&st->spooled, buf_peek(&st->relay.lines)));
        buf_drop(&st->relay.lines, buf_len(&st->relay.lines));
    } while (write_out(st) > 0);
}

static bool hears(struct buf *from, struct span want)
{
    struct span got = buf_peek(from);
    bool same = got.len >= want.len && memcmp(got.at, want.at, want.len) == 0;

    if (!same)
        print_error("heard: %.*s\n", SPAN_ARG(got));
    buf_drop(from, same ? want.len : got.len);
    return same;
}

static bool next_record(struct stage *st, char *arg)
{
    static const char *const words[] = {"row", "intent", "outcome", "received"};
    struct span all = buf_peek(&st->spooled), line = span_cut(&all, '\n');
    char is[64];

    st->record = (struct record){.what = RECORD_ROW};
    if (!whole_read(&st->rows, line, &st->record))
        return false;
    buf_drop(&st->spooled, line.len + 1);
    snprintf(is, sizeof is, "%s %.*s", words[st->record.what],
             SPAN_ARG(st->record.column[COLUMN_type]));
    if (strcmp(is, arg) != 0)
        print_error("it is: %s\n", is);
    return strcmp(is, arg) == 0;
}

static bool column(struct stage *st, char *arg)
{
    char *value = strchr(arg, '=');

    assert_non_null(value);
    *value++ = '\0';
    for (enum column c = 0; c < COLUMN_COUNT; c++) {
        if (strcmp(column_name(c), arg) != 0)
            continue;
        if (!span_is(st->record.column[c], value))
            print_error("it is: %.*s\n", SPAN_ARG(st->record.column[c]));
        return span_is(st->record.column[c], value);
    }
    return false;
}

static bool disk(struct stage *st, char *arg)
{
    st->disk_full = !strcmp(arg, "full");
    return true;
}

static bool believes(struct stage *st, char *arg)
{
    const char *at[4], *wrong;
    struct texts list = {.at = at, .count = 0};
    char *word;

    while (list.count < COUNT_OF(at) && (word = strtok_r(arg, " ", &arg)))
        at[list.count++] = word;
    if (st->begun || !ids_read(&list, &st->conf.ids, &wrong))
        return false;
    st->conf.ids.has_key = true;
    st->conf.ids.key[0] = 1;
    st->conf.ids.key[1] = 2;
    return true;
}

/* What is so before the client is greeted. */
static bool is_setting(const char *line)
{
    return !strcmp(line, "!foreign") || !strcmp(line, "!lmtp") || !strncmp(line, "!ids", 4);
}

static bool set(struct stage *st, char *word)
{
    if (word[0] == 'i')
        return believes(st, word + 3);
    if (word[0] == 'l')
        st->conf.lmtp = true;
    else
        st->conf.refused = "from you";
    return !st->begun;
}

static bool counted(struct stage *st, char *arg)
{
    const struct relay *r = &st->relay;
    const char *number = strchr(arg, ' ');
    bool eight_bit = !strncmp(arg, "eight-bit ", 10);

    assert_non_null(number);
    return strtoul(number, NULL, 10) == (eight_bit ? r->eight_bit : r->no_dsn);
}

static bool ended(struct stage *st, char *arg)
{
    (void)arg;
    return st->wish == RELAY_END;
}

/* The lane that is meant: "2" is the second. */
static unsigned which(const char *digits)
{
    unsigned n = digits ? (unsigned)strtoul(digits, NULL, 10) : 1;

    assert_true(n >= 1 && n <= RELAY_LANES);
    return n - 1;
}

static bool act(struct stage *st, char *line)
{
    static const struct {
        const char *word;
        bool (*fn)(struct stage *st, char *arg);
    } acts[] = {{"!seeks", lanes_seeks}, {"!server", lanes_server}, {"!none", lanes_none},
                {"!lost", lanes_lost},   {"!left", lanes_left},     {"!rec", next_record},
                {"!col", column},        {"!disk", disk},           {"!again", lanes_again},
                {"!ended", ended},       {"!counted", counted},     {"!takes", lanes_takes}};
    char *arg = strchr(line, ' '), *digit;

    if (arg)
        *arg++ = '\0';
    digit = strpbrk(line, "0123456789");
    st->at = which(digit);
    if (digit)
        *digit = '\0';
    turn(st);
    for (size_t i = 0; i < COUNT_OF(acts); i++)
        if (!strcmp(line, acts[i].word))
            return acts[i].fn(st, arg);
    return false;
}

static bool play(struct stage *st, char *line)
{
    char text[4096], *mark = strpbrk(line, "<>"), side = line[0];
    int n = snprintf(text, sizeof text, "%s\r\n", mark && mark[1] ? mark + 2 : "");
    struct span say = {text, (size_t)n};

    if (side == '!')
        return is_setting(line) ? set(st, line + 1) : act(st, line);
    if (!mark || (side != 'c' && side != 's'))
        return false;
    begin(st);
    if (side == 'c' && *mark == '>')
        return serve_feed(&st->relay.client, say);
    turn(st);
    if (side == 'c')
        return hears(&st->to_client, say);
    struct far *far = &st->far[which(mark - line > 1 ? line + 1 : NULL)];

    return *mark == '>' ? far->dialled && dial_feed(&far->dial, say) : hears(&far->to, say);
}

static void print_some(const char *who, struct buf *of)
{
    if (buf_len(of) > 0)
        print_error("not heard by %s: %.*s\n", who, SPAN_ARG(buf_peek(of)));
}

static bool is_quiet(struct stage *st)
{
    size_t left;

    turn(st);
    left = buf_len(&st->to_client) + buf_len(&st->spooled);
    print_some("the client", &st->to_client);
    print_some("the spool", &st->spooled);
    for (size_t i = 0; i < RELAY_LANES; i++) {
        print_some("an upstream", &st->far[i].to);
        left += buf_len(&st->far[i].to);
    }
    /* What was reserved is given back, or will be. */
    return left == 0 && st->reserved == st->relay.reserved + st->relay.spare;
}

static void clear(struct stage *st)
{
    for (size_t i = 0; i < RELAY_LANES; i++) {
        if (st->far[i].dialled)
            dial_clear(&st->far[i].dial);
        buf_clear(&st->far[i].to);
    }
    whole_clear(&st->rows);
    relay_clear(&st->relay);
    buf_clear(&st->to_client);
    buf_clear(&st->spooled);
}

static bool play_file(const char *path)
{
    struct stage st = {.conf = {.host_name = "out.test",
                                .ids.xforward = true,
                                .ids.received = true,
                                .reserve = reserve,
                                .mta.session.text = "s1"}};
    FILE *f = fopen(path, "r");
    char line[2048];
    unsigned at = 0;

    assert_non_null(f);
    assert_true(addr_read(SPAN("127.0.0.1"), &st.conf.mta.at));
    buf_init(&st.to_client, 1 << 20);
    for (size_t i = 0; i < RELAY_LANES; i++)
        buf_init(&st.far[i].to, 1 << 20);
    buf_init(&st.spooled, 1 << 20);
    while (fgets(line, sizeof line, f)) {
        at++;
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] && line[0] != '#' && !play(&st, line))
            break;
    }
    bool good = feof(f) && is_quiet(&st);

    if (!good)
        print_error("%s:%u: %s\n", path, at, line);
    fclose(f);
    clear(&st);
    return good;
}

static void play_all(void **state)
{
    const char *source = getenv("T_SOURCE");
    char pattern[1024];
    size_t bad = 0;
    glob_t found;

    (void)state;
    snprintf(pattern, sizeof pattern, "%s/t/dialog/out-*.dlg", source ? source : ".");
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        bad += !play_file(found.gl_pathv[i]);
    print_message("# %zu conversations\n", found.gl_pathc);
    globfree(&found);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(play_all)};

    clock_hold(1700000000);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
