/* SPDX-License-Identifier: Apache-2.0
 *
 * Plays the written conversations t/dialog/in-*.dlg through proxy-in's relay, without a
 * socket. What they can say is in t/dialog/README. Whatever is said at one go, without a
 * line of the other kinds in between, arrives at once: that is pipelining.
 */
#include "t/unit/unit.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy-in/relay.h"

struct stage {
    struct relay relay;
    struct relay_house house;
    struct relay_memory memory;
    struct source rule;
    enum relay_wish wish;
    bool greeted, born_secured, disk_full;
    struct buf spoken_to_client, spoken_to_backend; /* what is on the wire and not heard yet */
    char recorded[1024];
};

static const struct tls_facts facts = {.protocol = "TLSv1.3", .cipher = "TLS_AES_256_GCM_SHA384"};

static void write_record(struct stage *st)
{
    const struct envelope *e = &st->relay.envelope;
    size_t at = 0, len = 0;
    struct party p = envelope_sender(e);

    len += (size_t)snprintf(st->recorded, sizeof st->recorded, "%.*s", SPAN_ARG(p.mailbox));
    while (envelope_next(e, &at, &p))
        len += (size_t)snprintf(st->recorded + len, sizeof st->recorded - len, " %.*s",
                                SPAN_ARG(p.mailbox));
}

/* Everything that waits goes to the wire. */
static bool write_out(struct stage *st)
{
    struct relay *r = &st->relay;
    struct span pieces[DIAL_PIECES];
    size_t count = dial_pieces(&r->backend, serve_body(&r->client), pieces), sum = 0;

    for (size_t i = 0; i < count; sum += pieces[i++].len)
        assert_true(buf_add(&st->spoken_to_backend, pieces[i]));
    serve_body_drop(&r->client, dial_went(&r->backend, serve_body(&r->client), sum));
    sum += buf_len(&r->client.out);
    assert_true(buf_add(&st->spoken_to_client, buf_peek(&r->client.out)));
    buf_drop(&r->client.out, buf_len(&r->client.out));
    return sum > 0;
}

/* Turns until nothing moves; does what a disk would, but leaves the network to the script. */
static void turn(struct stage *st)
{
    bool moved = true;

    if (!st->greeted) {
        st->greeted = true;
        st->relay.rule = st->rule;
        st->relay.client.demand_tls = st->rule.require_starttls;
        relay_greet(&st->relay, st->born_secured ? &facts : NULL);
    }
    while (moved && (st->wish == RELAY_WAIT || st->wish == RELAY_CLOSE)) {
        bool disk = true;

        st->wish = relay_turn(&st->relay);
        if (st->wish == RELAY_RECORD) {
            write_record(st);
            relay_recorded(&st->relay);
        } else if (st->wish == RELAY_RESERVE) {
            relay_reserved(&st->relay, st->disk_full ? 0 : 2);
        } else {
            disk = false;
        }
        st->wish = disk ? RELAY_WAIT : st->wish;
        moved = write_out(st) || disk;
    }
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

static bool set_rule(struct stage *st, const char *arg)
{
    const char *value = strchr(arg, '=');

    for (const struct option *o = source_options; value && o->name; o++)
        if (o->kind == OPTION_FLAG && strlen(o->name) == (size_t)(value - arg) &&
            strncmp(o->name, arg, strlen(o->name)) == 0) {
            *(bool *)((char *)&st->rule + o->offset) = strcmp(value, "=yes") == 0;
            return true;
        }
    return false;
}

static bool set_identity(struct stage *st, const char *arg)
{
    static const char *const words[] = {"proxy-v2", "proxy-v1", "xclient", "none"};

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcmp(arg, words[i]) == 0) {
            st->house.identity = (enum identity)i;
            return true;
        }
    return false;
}

/* One more line that this backend said to some EHLO before. */
static bool know(struct stage *st, const char *arg)
{
    int n = snprintf(st->memory.reply + st->memory.len, sizeof st->memory.reply - st->memory.len,
                     "%s\r\n", arg);

    st->memory.len += (size_t)n;
    return true;
}

static bool no_certificate(struct stage *st, const char *arg)
{
    (void)arg;
    st->house.has_tls = false;
    return true;
}

static bool born_secured(struct stage *st, const char *arg)
{
    (void)arg;
    return st->born_secured = true;
}

static bool wished(struct stage *st, enum relay_wish wish)
{
    if (st->wish != wish) {
        print_error("it wishes %d, not %d\n", st->wish, wish);
        return false;
    }
    st->wish = RELAY_WAIT;
    return true;
}

static bool connected(struct stage *st, const char *arg)
{
    (void)arg;
    if (!wished(st, RELAY_CONNECT))
        return false;
    relay_connected(&st->relay);
    return true;
}

static bool cannot_connect(struct stage *st, const char *arg)
{
    (void)arg;
    if (!wished(st, RELAY_CONNECT))
        return false;
    relay_lost(&st->relay, REASON_CONNECT);
    return true;
}

static bool dropped(struct stage *st, const char *arg)
{
    (void)arg;
    if (!wished(st, RELAY_DROP))
        return false;
    relay_dropped(&st->relay);
    return true;
}

static bool lost(struct stage *st, const char *arg)
{
    (void)arg;
    relay_lost(&st->relay, REASON_BACKEND_LEFT);
    return true;
}

static bool secured(struct stage *st, const char *arg)
{
    (void)arg;
    if (!wished(st, RELAY_START_TLS))
        return false;
    relay_secured(&st->relay, &facts);
    return true;
}

static bool closed(struct stage *st, const char *arg)
{
    if (st->wish != RELAY_CLOSE || strcmp(reason_word(st->relay.why), arg) != 0) {
        print_error("wish %d, because %s\n", st->wish, reason_word(st->relay.why));
        return false;
    }
    return true;
}

/* Nobody was told anything that was not heard above. */
static bool quiet(struct stage *st, const char *arg)
{
    (void)arg;
    return hears(&st->spoken_to_client, (struct span){"", 0}) &&
           buf_len(&st->spoken_to_client) == 0 && buf_len(&st->spoken_to_backend) == 0 &&
           st->wish != RELAY_CONNECT;
}

static bool accounts(struct stage *st, const char *arg)
{
    st->house.accounts = true;
    (void)arg;
    return true;
}

/* From here on there is no room for records. */
static bool disk_full(struct stage *st, const char *arg)
{
    (void)arg;
    return st->disk_full = true;
}

static bool same_text(const char *text, const char *want)
{
    if (text && strcmp(text, want) == 0)
        return true;
    print_error("it is: %s\n", text ? text : "nothing");
    return false;
}

static bool recorded(struct stage *st, const char *arg)
{
    bool well = same_text(st->recorded, arg);

    st->recorded[0] = '\0';
    return well;
}

static bool said(struct stage *st, const char *arg)
{
    return same_text(st->relay.said, arg);
}

static bool name_is(struct stage *st, const char *arg)
{
    return same_text(st->relay.name, arg);
}

static bool granted(struct stage *st, const char *arg)
{
    return st->relay.granted == strtoul(arg, NULL, 10);
}

static const struct {
    const char *name;
    bool (*act)(struct stage *st, const char *arg);
    bool is_setting; /* said before the client is greeted */
} directives[] = {
    {"rule", set_rule, true},
    {"identity", set_identity, true},
    {"knows", know, true},
    {"no-certificate", no_certificate, true},
    {"implicit-tls", born_secured, true},
    {"accounts", accounts, true},
    {"disk-full", disk_full, true},
    {"connect", connected, false},
    {"no-connect", cannot_connect, false},
    {"drop", dropped, false},
    {"gone", lost, false},
    {"tls", secured, false},
    {"closed", closed, false},
    {"quiet", quiet, false},
    {"recorded", recorded, false},
    {"granted", granted, false},
    {"said", said, false},
    {"name", name_is, false},
};

static bool direct(struct stage *st, char *line)
{
    char *arg = line + strcspn(line, " ");

    if (*arg)
        *arg++ = '\0';
    for (size_t i = 0; i < COUNT_OF(directives); i++)
        if (strcmp(line, directives[i].name) == 0) {
            if (!directives[i].is_setting)
                turn(st);
            bool well = directives[i].act(st, arg);
            if (!directives[i].is_setting && strcmp(line, "closed") != 0)
                turn(st);
            return well;
        }
    return false;
}

/* `c= text`: \r \n \0 \t \\ are what they say, and no line end is added. */
static size_t unescape(char *text)
{
    static const char from[] = "rn0t\\", to[] = "\r\n\0\t\\";
    size_t len = 0;

    for (const char *at = text; *at; at++) {
        const char *hit = at[0] == '\\' && at[1] ? strchr(from, at[1]) : NULL;

        text[len++] = hit ? to[hit - from] : *at;
        at += hit != NULL;
    }
    return len;
}

static bool play(struct stage *st, char *line)
{
    char text[4096];
    struct relay *r = &st->relay;
    size_t skip = line[2] == ' ' ? 3 : 2, len;

    if (line[0] == '!')
        return direct(st, line + 1);
    snprintf(text, sizeof text, "%s%s", line + skip, line[1] == '=' ? "" : "\r\n");
    len = line[1] == '=' ? unescape(text) : strlen(text);

    struct span say = {text, len};

    if (line[1] == '<') {
        turn(st);
        return hears(line[0] == 'c' ? &st->spoken_to_client : &st->spoken_to_backend, say);
    }
    if (line[0] == 'c')
        return serve_feed(&r->client, say);
    if (!dial_feed(&r->backend, say))
        return false;
    turn(st);
    return true;
}

static void play_file(const char *path)
{
    struct stage st = {
        .house = {.host_name = "proxy.example", .identity = IDENTITY_NONE, .has_tls = true},
        .rule = {.allow_starttls = true, .allow_auth = true, .smtp_service = true}};
    struct addr who, where;
    char line[2048];
    unsigned number = 0;
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    assert_true(addr_read_port(SPAN("192.0.2.7:4321"), &who));
    assert_true(addr_read_port(SPAN("192.0.2.1:25"), &where));
    st.house.memory = &st.memory;
    buf_init(&st.spoken_to_client, 1 << 20);
    buf_init(&st.spoken_to_backend, 1 << 20);
    relay_init(&st.relay, &st.house, &st.rule, &who, &where, "test.1");
    while (fgets(line, sizeof line, f)) {
        number++;
        line[strcspn(line, "\n")] = '\0';
        if (line[0] && line[0] != '#' && !play(&st, line))
            fail_msg("%s:%u: %s", path, number, line);
    }
    turn(&st);
    if (!quiet(&st, ""))
        fail_msg("%s: something was said at the end that nobody heard", path);
    fclose(f);
    relay_clear(&st.relay);
    buf_clear(&st.spoken_to_client);
    buf_clear(&st.spoken_to_backend);
}

static void plays(void **path)
{
    play_file(*path);
}

int main(void)
{
    static struct CMUnitTest tests[64];
    char pattern[4096];
    size_t count = 0;
    glob_t found;

    snprintf(pattern, sizeof pattern, "%s/t/dialog/in-*.dlg",
             getenv("T_SOURCE") ? getenv("T_SOURCE") : ".");
    if (glob(pattern, 0, NULL, &found) != 0 || found.gl_pathc > COUNT_OF(tests)) {
        fprintf(stderr, "no dialogues at %s, or too many\n", pattern);
        return 1;
    }
    for (; count < found.gl_pathc; count++)
        tests[count] = (struct CMUnitTest){strrchr(found.gl_pathv[count], '/') + 1, plays, NULL,
                                           NULL, found.gl_pathv[count]};

    int failed = _cmocka_run_group_tests("dialog", tests, count, NULL, NULL);

    globfree(&found);
    return failed;
}
