/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/serve.h"

#include <stdlib.h>

#include "smtp/hear.h"

#define NO_MEMORY "421 4.3.0 Out of memory\r\n"
#define BAD_ANSWER "451 4.3.0 The answer cannot be shown\r\n"

_Static_assert(VERB_CONNECT <= UINT8_MAX, "asked[] has a byte for each");

unsigned serve_owe(struct serve *s, enum verb verb)
{
    s->asked[s->next % SERVE_DEPTH] = (uint8_t)verb;
    return s->next++;
}

/* Takes the answer of `ticket` that came before its turn; NULL: none did. */
static char *take_early(struct serve *s, unsigned ticket)
{
    char *said = s->early ? s->early[ticket % SERVE_DEPTH] : NULL;

    if (said)
        s->early[ticket % SERVE_DEPTH] = NULL;
    return said;
}

void serve_init(struct serve *s, enum serve_role role, bool demand_tls, enum dot_bare bare)
{
    *s = (struct serve){.role = role, .demand_tls = demand_tls, .hear = HEAR_NOTHING};
    dot_init(&s->dot, bare);
    buf_init(&s->in, SERVE_IN_MAX);
    buf_init(&s->out, (SERVE_DEPTH + 1) * SERVE_REPLY_MAX + SERVE_AUTH_MAX);
    serve_owe(s, VERB_CONNECT);
}

static void forget_owed(struct serve *s)
{
    for (; s->first != s->next; s->first++)
        free(take_early(s, s->first));
    free(s->early);
    s->early = NULL;
}

void serve_clear(struct serve *s)
{
    forget_owed(s);
    buf_clear(&s->in);
    buf_clear(&s->out);
}

size_t serve_space(struct serve *s, char **at)
{
    return buf_share(&s->in, at);
}

void serve_settle(struct serve *s)
{
    buf_settle(&s->in);
}

void serve_grew(struct serve *s, size_t count)
{
    buf_grew(&s->in, count);
}

bool serve_feed(struct serve *s, struct span bytes)
{
    return buf_add(&s->in, bytes);
}

bool serve_can_owe(const struct serve *s)
{
    unsigned open = s->next - s->first;

    return open < SERVE_DEPTH && buf_room(&s->out) >= (open + 2) * SERVE_REPLY_MAX;
}

bool serve_is_owed(const struct serve *s, unsigned ticket)
{
    return ticket - s->first < s->next - s->first && !(s->early && s->early[ticket % SERVE_DEPTH]);
}

enum verb serve_asked(const struct serve *s, unsigned ticket)
{
    return (enum verb)s->asked[ticket % SERVE_DEPTH];
}

bool serve_is_over(const struct serve *s)
{
    return s->hear == HEAR_NO_MORE;
}

void serve_count_idle(struct serve *s)
{
    s->idle++;
}

bool serve_idles(const struct serve *s)
{
    return s->idle > SERVE_IDLE_MAX;
}

struct span serve_body(const struct serve *s)
{
    return (struct span){buf_peek(&s->in).at, s->body};
}

void serve_body_drop(struct serve *s, size_t count)
{
    s->body -= count;
    buf_drop(&s->in, count);
    if (s->body > 0)
        return;
    buf_drop(&s->in, s->tail);
    s->tail = 0;
}

static void begin_message(struct serve *s)
{
    dot_init(&s->dot, s->dot.bare);
    chunk_init(&s->chunk);
    s->received = 0;
    s->dropping = false;
}

/* An answer to what stops the reading was said: what is heard next? */
static void go_on(struct serve *s, enum verb verb, char class)
{
    s->hear = HEAR_LINES;
    if (verb == VERB_STARTTLS && class == '2')
        s->hear = HEAR_NOTHING; /* the owner starts TLS; serve_secured() goes on from there */
    if ((verb == VERB_AUTH || verb == VERB_RESPONSE) && class == '3')
        s->hear = HEAR_RESPONSE;
    if (verb == VERB_DATA && class == '3') {
        begin_message(s);
        s->hear = HEAR_BODY;
    } else if (verb == VERB_DATA && buf_len(&s->in) > s->lent) {
        s->hear = HEAR_NO_MORE; /* it may be the message: never take that for commands */
    }
}

static bool is_hello(enum verb verb)
{
    return verb == VERB_EHLO || verb == VERB_HELO || verb == VERB_LHLO;
}

/* Is no message under way behind it, if it was taken? */
static bool starts_anew(enum verb verb)
{
    return verb == VERB_MAIL || verb == VERB_RSET || is_hello(verb);
}

static void follow(struct serve *s, enum verb verb, char class)
{
    if (verb == VERB_CONNECT && class == '5')
        s->turned_away = true;
    if (is_hello(verb) && class == '2')
        s->greeted = true;
    if (starts_anew(verb) && class == '2')
        begin_message(s);
    if ((verb == VERB_END || verb == VERB_LAST) && class == '2')
        s->idle = 0;
}

/* The reply is on its way out: what does it change? */
static void settle(struct serve *s, enum verb verb, char class)
{
    bool broken = verb == VERB_ABORT || verb == VERB_OUTGROWN;

    if (verb == VERB_QUIT || broken || (verb == VERB_CONNECT && class == '4'))
        s->hear = HEAR_NO_MORE;
    if (verb == VERB_END || broken)
        serve_body_drop(s, s->body);
    if (s->hear == HEAR_NO_MORE)
        return;
    follow(s, verb, class);
    /* What stops the reading is the last that is owed. */
    if (s->hear == HEAR_NOTHING && s->first == s->next)
        go_on(s, verb, class);
}

static void say(struct serve *s, struct span text)
{
    enum verb verb = serve_asked(s, s->first++);

    if (!buf_add(&s->out, text)) { /* can_owe() kept this much free: there is no memory */
        forget_owed(s);
        s->hear = HEAR_NO_MORE;
    }
    settle(s, verb, text.at[0]);
}

/* The challenges of AUTH may be as long as the responses (RFC 4954, 4). It stops the reading, so
 * it is one of those that are owed. */
static size_t reply_max(enum verb verb)
{
    return verb == VERB_AUTH || verb == VERB_RESPONSE ? SERVE_AUTH_MAX : SERVE_REPLY_MAX;
}

static bool keep_early(struct serve *s, unsigned ticket, struct span text)
{
    if (!s->early)
        s->early = calloc(SERVE_DEPTH, sizeof *s->early);
    return s->early && (s->early[ticket % SERVE_DEPTH] = strndup(text.at, text.len));
}

void serve_answer(struct serve *s, unsigned ticket, struct span text)
{
    if (!serve_is_owed(s, ticket))
        return;
    if (text.len == 0 || text.len > reply_max(serve_asked(s, ticket)))
        text = SPAN(BAD_ANSWER);
    if (ticket != s->first) {
        if (!keep_early(s, ticket, text))
            serve_end(s, SPAN(NO_MEMORY));
        return;
    }
    say(s, text);
    for (char *later; s->first != s->next && (later = take_early(s, s->first)); free(later))
        say(s, span_of(later));
    if (s->first == s->next)
        forget_owed(s);
}

bool serve_answer_part(struct serve *s, unsigned ticket, struct span text)
{
    /* What can_owe() keeps for the last of them, and for a last word, stays. */
    if (ticket != s->first || buf_room(&s->out) < 3 * SERVE_REPLY_MAX)
        return false;
    if (text.len == 0 || text.len > SERVE_REPLY_MAX)
        text = SPAN(BAD_ANSWER);
    return buf_add(&s->out, text);
}

void serve_end(struct serve *s, struct span text)
{
    if (s->hear == HEAR_NO_MORE)
        return;
    forget_owed(s);
    serve_body_drop(s, s->body);
    s->hear = HEAR_NO_MORE;

    bool said = buf_add(&s->out, text);
    (void)said; /* without memory they only see us close */
}

void serve_limit(struct serve *s, uint64_t size_max)
{
    s->size_max = size_max;
}

bool serve_has_outgrown(const struct serve *s)
{
    return s->dropping && s->hear == HEAR_BODY;
}

void serve_drop_chunk(struct serve *s)
{
    if (s->hear != HEAR_CHUNK)
        return;
    s->dropping = true;
    serve_body_drop(s, s->body);
}

bool serve_awaits_message(const struct serve *s)
{
    return s->hear == HEAR_BODY || (s->hear == HEAR_CHUNK && s->chunk.left > 0);
}

bool serve_secured(struct serve *s)
{
    buf_drop(&s->in, s->lent);
    s->lent = 0;
    s->greeted = false;
    s->secured = true;
    s->bad = 0;
    s->hear = HEAR_LINES;
    return buf_len(&s->in) == 0;
}

void serve_born_secured(struct serve *s)
{
    s->secured = true;
}
