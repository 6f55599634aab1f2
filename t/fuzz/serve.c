/* SPDX-License-Identifier: Apache-2.0
 *
 * A hostile client and an owner of moods. Most bytes are the client's; some control
 * characters are what happens meanwhile (see act()).
 */
#include "smtp/serve.h"

#include "fuzz.h"

int fuzz_reached;

/* Some open ticket gets an answer: the oldest, or any after it. */
static void answer(struct serve *s, unsigned skip, const char *text)
{
    for (unsigned t = s->first; t != s->next; t++)
        if (serve_is_owed(s, t) && skip-- == 0) {
            enum verb verb = serve_asked(s, t);

            promise(verb_name(verb) != NULL);
            fuzz_reached += verb == VERB_END;
            serve_answer(s, t, span_of(text));
            return;
        }
}

static bool act(struct serve *s, uint8_t what)
{
    switch (what) {
    case 1:
        answer(s, 0, "250 ok\r\n");
        return true;
    case 2:
        answer(s, 0, "354 more\r\n");
        return true;
    case 3:
        answer(s, 0, "550 5.0.0 no\r\n");
        return true;
    case 4:
        answer(s, 1, "250-a\r\n250 b\r\n");
        return true;
    case 5: /* the client listens */
        buf_drop(&s->out, buf_len(&s->out));
        return true;
    case 6:
        if (!serve_secured(s))
            serve_end(s, SPAN("421 bye\r\n"));
        return true;
    case 7:
        serve_end(s, SPAN("421 bye\r\n"));
        return true;
    case 8: /* some of the message is passed on */
        serve_body_drop(s, serve_body(s).len / 2);
        return true;
    case 11:
        serve_body_drop(s, serve_body(s).len);
        return true;
    case 12:
        serve_drop_chunk(s);
        return true;
    default:
        return false;
    }
}

static void check(const struct serve *s)
{
    struct span body = serve_body(s);

    promise(s->in.size <= SERVE_IN_MAX);
    promise(s->out.size <= (SERVE_DEPTH + 1) * SERVE_REPLY_MAX + SERVE_AUTH_MAX);
    promise(body.len <= buf_len(&s->in));
    promise(body.len == 0 || !memchr(body.at, '\0', body.len));
    promise(s->next - s->first <= SERVE_DEPTH);
}

static void turn(struct serve *s)
{
    struct request r;
    size_t len = 0;

    for (int got; (got = serve_next(s, &r)) != 0;) {
        promise(got == 1 && !serve_is_over(s));
        promise(serve_is_owed(s, r.ticket));
        promise(r.verb == VERB_RESPONSE || !memchr(r.arg.at ? r.arg.at : "", '\r', r.arg.len));
        for (size_t i = 0; i < r.arg.len; i++) /* a sanitizer sees whether it is there */
            len += r.arg.at[i] == '@';
        check(s);
    }
    promise(len <= SERVE_IN_MAX);
    check(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct serve s;

    if (size < 1)
        return 0;
    serve_init(&s, bytes[0] & 1 ? (bytes[0] & 16 ? SERVE_LMTP : SERVE_MTA) : SERVE_WORLD,
               bytes[0] & 2, bytes[0] & 4 ? DOT_NORMALIZE : DOT_REJECT);
    serve_limit(&s, bytes[0] & 16 ? 40 : 0);
    if (bytes[0] & 8)
        serve_born_secured(&s);
    serve_answer(&s, 0, SPAN("220 mx\r\n"));
    for (size_t i = 1; i < size; i++) {
        if (act(&s, bytes[i])) {
            turn(&s);
            continue;
        }
        if (!serve_feed(&s, (struct span){(const char *)bytes + i, 1}))
            promise(buf_len(&s.in) == SERVE_IN_MAX);
        if (bytes[i] == '\n')
            turn(&s);
    }
    turn(&s);
    serve_clear(&s);
    return 0;
}
