/* SPDX-License-Identifier: Apache-2.0
 *
 * Plays the written conversations t/dialog/out-*.dlg through proxy-out's relay, without a
 * socket. Whatever is said at one go, without a line of the other kinds in between, arrives at
 * once: that is pipelining. At the end nothing may be left unheard and no record unseen.
 *
 *   c> c<         the mail server that hands over says; must hear
 *   s> s<         the upstream says; must hear
 *   !foreign      the client may not hand over
 *   !disk full|free
 *   !seeks        a server is wanted
 *   !again        the same one, on a new connection
 *   !server NAME ADDRESS [more] [kept] [secure] [KEYWORD...]   one was found; `more`: it is
 *                 not the last; `kept`: it was used before
 *   !none WORD    none was found: a word of fail.def
 *   !lost WORD    the upstream broke
 *   !left WORD    and is let go of: clean, open (in a transaction) or spent
 *   !rec DO TYPE  the next record: row, intent or outcome; d, b or t
 *   !col NAME=VALUE   a column of that record; VALUE may be empty
 *   !ended        the session is over
 */
#include "proxy-out/relay.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "unit.h"

struct stage {
    struct relay relay;
    struct relay_conf conf;
    struct dial dial;
    struct remote remote;
    enum relay_wish wish;
    bool begun, disk_full, dialled;
    struct buf to_client, to_server; /* on the wire and not heard yet */
    struct buf spooled;
    struct record record; /* the one looked at */
    struct record_memory *memory;
};

static bool reserve(void *spool, size_t bytes)
{
    const struct stage *st = spool;

    (void)bytes;
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
    struct span pieces[DIAL_PIECES];
    size_t count = relay_pieces(r, 0, pieces), sum = 0;

    for (size_t i = 0; i < count; sum += pieces[i++].len)
        assert_true(buf_add(&st->to_server, pieces[i]));
    if (sum > 0)
        relay_went(r, 0, sum);
    sum += buf_len(&r->client.out);
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

static enum fail fail_of(const char *word)
{
    enum fail f = FAIL_NOT;

    while (f < FAIL_COUNT && strcmp(fail_word(f), word) != 0)
        f++;
    assert_true(f < FAIL_COUNT);
    return f;
}

static bool server(struct stage *st, char *arg)
{
    char reply[512] = "250-x\r\n", *word = strtok_r(arg, " ", &arg);
    bool more = false, kept = false;

    if (st->relay.lane[0].is != LANE_SEEKS || st->relay.lane[0].dial)
        return false;
    st->remote = (struct remote){.rule = "*", .client_cert = "", .demand.level = DEMAND_MAY};
    snprintf(st->remote.name, sizeof st->remote.name, "%s", word);
    assert_true(addr_read(span_of(strtok_r(arg, " ", &arg)), &st->remote.at));
    st->remote.at.port = 25;
    assert_true(addr_read(SPAN("192.0.2.200"), &st->remote.from));
    st->remote.from.port = 40000;
    while ((word = strtok_r(arg, " ", &arg))) {
        if (!strcmp(word, "more"))
            more = true;
        else if (!strcmp(word, "kept"))
            kept = true;
        else if (!strcmp(word, "secure"))
            st->remote.secure = true;
        else
            snprintf(reply + strlen(reply), sizeof reply - strlen(reply), "250-%s\r\n", word);
    }
    snprintf(reply + strlen(reply), sizeof reply - strlen(reply), "250 HELP\r\n");
    ehlo_list(st->remote.esmtp, sizeof st->remote.esmtp, span_of(reply));
    struct ehlo ehlo = ehlo_read(span_of(reply));

    dial_init(&st->dial);
    /* As the attempt leaves it: the greeting was heard. */
    struct heard h;
    assert_true(dial_feed(&st->dial, SPAN("220 x\r\n")) && dial_next(&st->dial, &h) == 1);
    assert_int_equal(dial_next(&st->dial, &h), 0);
    st->dialled = true;
    lane_opened(&st->relay, &st->relay.lane[0], &st->dial, &ehlo, &st->remote, more, kept);
    return true;
}

static bool none(struct stage *st, char *arg)
{
    static const struct remote found = {.rule = "*", .client_cert = ""};

    if (st->relay.lane[0].is != LANE_SEEKS)
        return false;
    lane_failed(&st->relay, &st->relay.lane[0], fail_of(arg), &found);
    return true;
}

static bool left(struct stage *st, char *arg)
{
    static const char *const words[] = {"not", "clean", "open", "spent"};
    const char *is = words[st->relay.lane[0].left];

    if (strcmp(is, arg) != 0) {
        print_error("it is left %s\n", is);
        return false;
    }
    lane_taken(&st->relay.lane[0]);
    dial_clear(&st->dial);
    st->dialled = false;
    return true;
}

static bool next_record(struct stage *st, char *arg)
{
    static const char *const words[] = {"row", "intent", "outcome", "received"};
    struct span all = buf_peek(&st->spooled), line = span_cut(&all, '\n');
    char is[64];

    record_forget(&st->memory);
    st->record = (struct record){.what = RECORD_ROW};
    if (line.len == 0 || !record_read(line, &st->record, &st->memory))
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

static bool lost(struct stage *st, char *arg)
{
    lane_lost(&st->relay, &st->relay.lane[0], fail_of(arg));
    return true;
}

static bool disk(struct stage *st, char *arg)
{
    st->disk_full = !strcmp(arg, "full");
    return true;
}

static bool foreign(struct stage *st, char *arg)
{
    (void)arg;
    st->conf.allowed = false;
    return !st->begun;
}

static bool seeks(struct stage *st, char *arg)
{
    (void)arg;
    return st->relay.lane[0].is == LANE_SEEKS;
}

/* The same server is wanted once more. */
static bool again(struct stage *st, char *arg)
{
    bool is = st->relay.lane[0].again;

    (void)arg;
    st->relay.lane[0].again = false;
    return is && seeks(st, NULL);
}

static bool ended(struct stage *st, char *arg)
{
    (void)arg;
    return st->wish == RELAY_END;
}

static bool act(struct stage *st, char *line)
{
    static const struct {
        const char *word;
        bool (*fn)(struct stage *st, char *arg);
    } acts[] = {{"!seeks", seeks}, {"!server", server},   {"!none", none},  {"!lost", lost},
                {"!left", left},   {"!rec", next_record}, {"!col", column}, {"!disk", disk},
                {"!again", again}, {"!ended", ended}};
    char *arg = strchr(line, ' ');

    if (arg)
        *arg++ = '\0';
    turn(st);
    for (size_t i = 0; i < COUNT_OF(acts); i++)
        if (!strcmp(line, acts[i].word))
            return acts[i].fn(st, arg);
    return false;
}

static bool play(struct stage *st, char *line)
{
    char text[4096];
    int n = snprintf(text, sizeof text, "%s\r\n", line[2] ? line + 3 : "");
    struct span say = {text, (size_t)n};

    if (!strcmp(line, "!foreign"))
        return foreign(st, NULL);
    if (line[0] == '!')
        return act(st, line);
    begin(st);
    if (!strncmp(line, "c>", 2))
        return serve_feed(&st->relay.client, say);
    turn(st);
    if (!strncmp(line, "s>", 2))
        return st->dialled && dial_feed(&st->dial, say);
    if (!strncmp(line, "c<", 2))
        return hears(&st->to_client, say);
    return !strncmp(line, "s<", 2) && hears(&st->to_server, say);
}

static bool is_quiet(struct stage *st)
{
    turn(st);
    if (buf_len(&st->to_client) + buf_len(&st->to_server) + buf_len(&st->spooled) == 0)
        return true;
    print_error("not heard: %.*s%.*s%.*s\n", SPAN_ARG(buf_peek(&st->to_client)),
                SPAN_ARG(buf_peek(&st->to_server)), SPAN_ARG(buf_peek(&st->spooled)));
    return false;
}

static bool play_file(const char *path)
{
    struct stage st = {.conf = {.host_name = "out.test",
                                .allowed = true,
                                .reserve = reserve,
                                .mta.session.text = "s1"}};
    FILE *f = fopen(path, "r");
    char line[2048];
    unsigned at = 0;

    assert_non_null(f);
    assert_true(addr_read(SPAN("127.0.0.1"), &st.conf.mta.at));
    buf_init(&st.to_client, 1 << 20);
    buf_init(&st.to_server, 1 << 20);
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
    if (st.dialled)
        dial_clear(&st.dial);
    record_forget(&st.memory);
    relay_clear(&st.relay);
    buf_clear(&st.to_client);
    buf_clear(&st.to_server);
    buf_clear(&st.spooled);
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
