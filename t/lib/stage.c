/* SPDX-License-Identifier: Apache-2.0 */
#include "t/lib/stage.h"

#include <stdio.h>

#include "t/unit/unit.h"

const struct facts_kept *stage_facts(void)
{
    static struct facts_kept *kept;

    if (!kept)
        kept = facts_keep(
            &(struct tls_facts){.protocol = "TLSv1.3", .cipher = "TLS_AES_256_GCM_SHA384"});
    return kept;
}

static unsigned reserve(void *st)
{
    return ((struct stage *)st)->disk_full ? 0 : 2;
}

void stage_init(struct stage *st)
{
    *st = (struct stage){.house = {.host_name = "proxy.example",
                                   .identity = IDENTITY_NONE,
                                   .has_tls = true,
                                   .reserve = reserve,
                                   .spool = st}};
    for (size_t i = 0; i < COUNT_OF(st->rules); i++) {
        option_defaults(source_options, &st->rules[i]);
        st->rules[i].head.title = i == 0 ? "0/0" : "{auth}";
        st->rules[i].head.file = "dialogue";
    }
    assert_true(stage_rule(&st->rules[0], "allow_starttls=yes"));
    st->house.memory = &st->memory;
    buf_init(&st->spoken_to_client, 1 << 20);
    buf_init(&st->spoken_to_backend, 1 << 20);
}

bool stage_rule(struct source *of, const char *arg)
{
    static char rate[64];
    const char *value = strchr(arg, '=');

    for (const struct option *o = source_options; value && o->name; o++)
        if (o->kind != OPTION_LIST && strlen(o->name) == (size_t)(value - arg) &&
            strncmp(o->name, arg, strlen(o->name)) == 0) {
            of->head.set |= UINT64_C(1) << (o - source_options);
            if (o->kind == OPTION_TEXT) { /* there is one, and the line does not last */
                snprintf(rate, sizeof rate, "%s", value + 1);
                of->smtp_max_auth_failure_rate = rate;
                return true;
            }
            return option_read(o, span_of(value + 1), of);
        }
    return false;
}

/* The settings are all said: a client comes. */
static void begin(struct stage *st)
{
    struct addr who, where;
    struct source rule;
    char why[256] = "";

    if (st->begun)
        return;
    st->begun = true;
    assert_true(addr_read_port(SPAN("192.0.2.7:4321"), &who));
    assert_true(addr_read_port(SPAN("192.0.2.1:25"), &where));
    st->sources = sources_new(st->rules, st->has_auth ? 2 : 1, why, sizeof why);
    assert_string_equal(why, st->sources ? why : "");
    assert_non_null(st->sources);
    st->house.sources = st->sources;
    st->house.source_name = "";
    sources_find(st->sources, &who, NULL, &rule);
    relay_init(&st->relay, &st->house, &rule, &who, &where, "test.1");
}

void stage_clear(struct stage *st)
{
    relay_clear(&st->relay);
    sources_free(&st->sources);
    buf_clear(&st->spoken_to_client);
    buf_clear(&st->spoken_to_backend);
}

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

void stage_turn(struct stage *st)
{
    bool moved = true;

    begin(st);
    if (!st->greeted) {
        st->greeted = true;
        relay_greet(&st->relay, st->born_secured ? stage_facts() : NULL);
    }
    while (moved && (st->wish == RELAY_WAIT || st->wish == RELAY_CLOSE)) {
        bool disk = true;

        st->wish = relay_turn(&st->relay);
        if (st->wish == RELAY_RECORD) {
            write_record(st);
            relay_recorded(&st->relay);
        } else if (st->wish == RELAY_TRACE) {
            relay_trace(&st->relay, 1767225600);
        } else if (st->wish == RELAY_LOGIN) {
            relay_may_log_in(&st->relay, !st->barred);
            st->tries += !st->barred;
        } else if (st->wish == RELAY_PARDON) {
            relay_pardoned(&st->relay);
            st->tries--;
        } else if (st->wish != RELAY_LEARN) {
            disk = false;
        }
        st->wish = disk ? RELAY_WAIT : st->wish;
        moved = write_out(st) || disk;
    }
    (void)relay_give_back(&st->relay);
}

bool stage_hears(struct buf *from, struct span want)
{
    struct span got = buf_peek(from);
    bool same = got.len >= want.len && memcmp(got.at, want.at, want.len) == 0;

    if (!same)
        print_error("heard: %.*s\n", SPAN_ARG(got));
    buf_drop(from, same ? want.len : got.len);
    return same;
}

bool stage_say(struct stage *st, char side, struct span text)
{
    if (side == 'c') {
        begin(st);
        return serve_feed(&st->relay.client, text);
    }
    if (!dial_feed(&st->relay.backend, text))
        return false;
    stage_turn(st);
    return true;
}

bool stage_is_quiet(struct stage *st)
{
    return stage_hears(&st->spoken_to_client, (struct span){"", 0}) &&
           buf_len(&st->spoken_to_client) == 0 && buf_len(&st->spoken_to_backend) == 0 &&
           st->wish != RELAY_CONNECT;
}

static const struct step *find(const struct step *in, const char *name)
{
    while (in->name && strcmp(name, in->name) != 0)
        in++;
    return in->name ? in : NULL;
}

bool stage_direct(struct stage *st, char *line)
{
    char *arg = line + strcspn(line, " ");

    if (*arg)
        *arg++ = '\0';

    const struct step *setting = find(stage_scene, line), *step = find(stage_steps, line);

    if (setting)
        return setting->act(st, arg);
    if (!step)
        return false;
    stage_turn(st);
    bool well = step->act(st, arg);

    if (strcmp(line, "closed") != 0)
        stage_turn(st);
    return well;
}
