/* SPDX-License-Identifier: Apache-2.0
 *
 * The inbound relay between a hostile client and a hostile mail server, who sometimes do not
 * read. The first byte is the rule and the identity; then most bytes are said by whoever
 * speaks, and some control characters are what happens meanwhile (see act()). All is played twice:
 * with a mail server that hears MAIL at once, and where it may hear it with RCPT.
 */
#include "proxy-in/relay.h"

#include "fuzz.h"

int fuzz_reached;

struct stage {
    struct relay relay;
    enum relay_wish wish;
    bool client_speaks, after_tls, disk_full;
};

static unsigned reserve(void *st)
{
    return ((struct stage *)st)->disk_full ? 0 : 3;
}

static const struct facts_kept *secured(void)
{
    static struct facts_kept *kept;

    if (!kept)
        kept = facts_keep(&(struct tls_facts){.protocol = "TLSv1.3"});
    return kept;
}

/* In what passes of a message no line begins but behind CRLF. */
static void check_content(struct span body)
{
    promise(body.len == 0 || !memchr(body.at, '\0', body.len));
    for (size_t i = 1; i < body.len; i++)
        promise((body.at[i] == '\n') == (body.at[i - 1] == '\r'));
}

/* What goes to the mail server is checked: before TLS no command that the rules keep from it, and
 * after a refusal of its own nothing but QUIT. */
static void backend_listens(struct stage *st)
{
    struct relay *r = &st->relay;
    struct span pieces[DIAL_PIECES], body = serve_body(&r->client);
    size_t count = dial_pieces(&r->backend, body, pieces), sum = 0;

    promise(count == 0 || r->stage >= STAGE_INTRO);
    for (size_t i = 0; i < count; sum += pieces[i++].len)
        promise(!r->rule.require_starttls_before_auth || st->after_tls || pieces[i].at == body.at ||
                !span_starts_nocase(pieces[i], "AUTH"));
    check_content(body);
    promise(body.len == 0 || r->client.hear != HEAR_CHUNK || r->backend.chunk > 0);
    if (body.len > 0 && r->backend.chunk > 0)
        fuzz_reached++;
    serve_body_drop(&r->client, dial_went(&r->backend, body, sum));
}

static void comply(struct stage *st, bool well)
{
    struct relay *r = &st->relay;

    st->disk_full = !well;
    switch (st->wish) {
    case RELAY_CONNECT:
        if (well)
            relay_connected(r);
        else
            relay_lost(r, REASON_CONNECT);
        break;
    case RELAY_SECURE:
        backend_listens(st);
        if (well)
            relay_backend_secured(r);
        else
            relay_lost(r, REASON_BACKEND_TLS);
        break;
    case RELAY_LEARN:
        break;
    case RELAY_DROP:
        backend_listens(st);
        relay_dropped(r);
        break;
    case RELAY_START_TLS:
        buf_drop(&r->client.out, buf_len(&r->client.out));
        relay_secured(r, secured());
        st->after_tls = true;
        break;
    case RELAY_LOGIN:
        relay_may_log_in(r, well);
        break;
    case RELAY_PARDON:
        promise(relay_owes_pardon(r));
        relay_pardoned(r);
        break;
    case RELAY_RECORD:
        fuzz_reached++;
        promise(r->envelope.count > 0 && envelope_is_open(&r->envelope));
        promise(!dial_is_sending(&r->backend)); /* accepted is only what is there */
        promise(!r->objection);                 /* nor were its recipients refused */
        relay_recorded(r);
        break;
    case RELAY_TRACE:
        relay_trace(r, 1767225600);
        break;
    case RELAY_WAIT:
    case RELAY_CLOSE:
        return;
    }
    st->wish = RELAY_WAIT;
}

static bool act(struct stage *st, uint8_t what)
{
    switch (what) {
    case 1:
        st->client_speaks = true;
        return true;
    case 2:
        st->client_speaks = false;
        return true;
    case 3:
        comply(st, true);
        return true;
    case 4:
        comply(st, false);
        return true;
    case 5:
        buf_drop(&st->relay.client.out, buf_len(&st->relay.client.out));
        return true;
    case 6:
        backend_listens(st);
        return true;
    case 7:
        relay_lost(&st->relay, REASON_BACKEND_LEFT);
        return true;
    case 8:
        (void)relay_give_back(&st->relay);
        promise(st->relay.room <= st->relay.granted);
        return true;
    default:
        return false;
    }
}

static void turn(struct stage *st)
{
    struct relay *r = &st->relay;

    if (st->wish != RELAY_WAIT)
        return;
    st->wish = relay_turn(r);
    promise((st->wish == RELAY_CLOSE) == (r->why != REASON_NOT_YET));
    promise(r->room <= r->granted);
    promise(!r->backend.deferred || (r->vouched && r->backend.next == r->backend.first + 1));
    fuzz_reached += r->backend.deferred;
    promise(r->backend.out.size <= 1 << 17 && r->client.out.size <= 1 << 18);
    promise(r->client.in.size <= SERVE_IN_MAX);
    promise(buf_len(&r->envelope.accepted) <= ENVELOPE_ACCEPTED);
}

/* The bytes up to the next event are said at once. */
static size_t say(struct stage *st, const uint8_t *bytes, size_t size)
{
    struct relay *r = &st->relay;
    size_t len = 0;

    while (len < size && (bytes[len] == 0 || bytes[len] > 8))
        len++;

    struct span text = {(const char *)bytes, len};
    bool fits = st->client_speaks ? serve_feed(&r->client, text) : dial_feed(&r->backend, text);

    if (!fits && !st->client_speaks)
        relay_lost(r, REASON_BACKEND_BROKEN);
    return len;
}

/* Who may log in has his MAIL judged at once: so there is no AUTH where it may wait. */
static void play(const uint8_t *bytes, size_t size, enum mail_at mail_at)
{
    struct relay_memory memory = {.len = 0};
    uint8_t how = size ? bytes[0] : 0;
    struct stage st = {.client_speaks = true, .after_tls = (how & 128) != 0};
    const struct relay_house house = {.host_name = "proxy.example",
                                      .identity = (enum identity)(how & 3),
                                      .mail_at = mail_at,
                                      .has_tls = true,
                                      .accounts = true,
                                      .reserve = reserve,
                                      .spool = &st,
                                      .memory = &memory};
    const struct source rule = {.head.title = "",
                                .allow_starttls = (how & 4) != 0,
                                .require_starttls = (how & 8) != 0,
                                .require_starttls_before_auth = (how & 16) != 0,
                                .allow_unencrypted_plain_auth = (how & 32) != 0,
                                .require_auth = (how & 64) != 0,
                                .auth_failures = {.count = how & 4 ? 3 : 0, .seconds = 60},
                                .max_message_size = how & 32 ? 40 : 0,
                                .smtp_bare_newline = how & 16 ? 1 : 0,
                                .allow_auth = mail_at == MAIL_AT_MAIL,
                                .smtp_service = true};
    struct addr who = {.port = 1}, where = {.port = 25};

    relay_init(&st.relay, &house, &rule, &who, &where, "fuzz");
    relay_greet(&st.relay, st.after_tls ? secured() : NULL);
    for (size_t at = 1; at < size;) {
        at += act(&st, bytes[at]) ? 1 : say(&st, bytes + at, size - at);
        turn(&st);
    }
    relay_clear(&st.relay);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    play(bytes, size, MAIL_AT_MAIL);
    play(bytes, size, MAIL_AT_RCPT);
    return 0;
}
