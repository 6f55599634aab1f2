/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/serve.h"

#include <stdlib.h>

#include "smtp/line.h"

#define TOO_LONG "500 5.5.2 Line too long\r\n"
#define AUTH_TOO_LONG "500 5.5.6 Authentication exchange line is too long\r\n"
#define BAD_LINE "500 5.5.2 Commands end in CRLF and hold no CR, LF or NUL\r\n"
#define NOT_HTTP "421 4.7.0 This is not an HTTP server\r\n"
#define NO_HEAD "421 4.7.0 No PROXY header is taken from here\r\n"
#define TOO_MANY "421 4.7.0 Too many bad commands\r\n"
#define NO_MEMORY "421 4.3.0 Out of memory\r\n"
#define BAD_ANSWER "451 4.3.0 The answer cannot be shown\r\n"

static struct owed *slot(struct serve *s, unsigned ticket)
{
    return &s->owed[ticket % SERVE_DEPTH];
}

static unsigned owe(struct serve *s, enum verb verb)
{
    *slot(s, s->next) = (struct owed){.verb = verb};
    return s->next++;
}

void serve_init(struct serve *s, enum serve_role role, bool demand_tls, enum dot_bare bare)
{
    *s = (struct serve){.role = role, .demand_tls = demand_tls, .hear = HEAR_NOTHING};
    dot_init(&s->dot, bare);
    buf_init(&s->in, SERVE_IN_MAX);
    buf_init(&s->out, (SERVE_DEPTH + 1) * SERVE_REPLY_MAX);
    owe(s, VERB_CONNECT);
}

static void forget_owed(struct serve *s)
{
    for (; s->first != s->next; s->first++)
        free(slot(s, s->first)->said);
}

void serve_clear(struct serve *s)
{
    forget_owed(s);
    buf_clear(&s->in);
    buf_clear(&s->out);
}

size_t serve_space(struct serve *s, char **at)
{
    return buf_space(&s->in, at);
}

void serve_grew(struct serve *s, size_t count)
{
    buf_grew(&s->in, count);
}

bool serve_feed(struct serve *s, struct span bytes)
{
    return buf_add(&s->in, bytes);
}

/* Is there room for one more reply, for all that are owed, and for a last word? */
static bool can_owe(const struct serve *s)
{
    unsigned open = s->next - s->first;

    return open < SERVE_DEPTH && buf_room(&s->out) >= (open + 2) * SERVE_REPLY_MAX;
}

bool serve_is_owed(const struct serve *s, unsigned ticket)
{
    return ticket - s->first < s->next - s->first && !s->owed[ticket % SERVE_DEPTH].said;
}

enum verb serve_asked(const struct serve *s, unsigned ticket)
{
    return s->owed[ticket % SERVE_DEPTH].verb;
}

bool serve_is_over(const struct serve *s)
{
    return s->hear == HEAR_NO_MORE;
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

/* An answer to what stops the reading was said: what is heard next? */
static void go_on(struct serve *s, enum verb verb, char class)
{
    s->hear = HEAR_LINES;
    if (verb == VERB_STARTTLS && class == '2')
        s->hear = HEAR_NOTHING; /* the owner starts TLS; serve_secured() goes on from there */
    if ((verb == VERB_AUTH || verb == VERB_RESPONSE) && class == '3')
        s->hear = HEAR_RESPONSE;
    if (verb == VERB_DATA && class == '3') {
        dot_init(&s->dot, s->dot.bare);
        s->received = 0;
        s->hear = HEAR_BODY;
    } else if (verb == VERB_DATA && buf_len(&s->in) > s->lent) {
        s->hear = HEAR_NO_MORE; /* it may be the message: never take that for commands */
    }
}

/* The reply is on its way out: what does it change? */
static void settle(struct serve *s, enum verb verb, char class)
{
    if (verb == VERB_QUIT || verb == VERB_ABORT || (verb == VERB_CONNECT && class == '4'))
        s->hear = HEAR_NO_MORE;
    if (verb == VERB_END || verb == VERB_ABORT)
        serve_body_drop(s, s->body);
    if (s->hear == HEAR_NO_MORE)
        return;
    if (verb == VERB_CONNECT && class == '5')
        s->turned_away = true;
    if ((verb == VERB_EHLO || verb == VERB_HELO) && class == '2')
        s->greeted = true;
    /* What stops the reading is the last that is owed. */
    if (s->hear == HEAR_NOTHING && s->first == s->next)
        go_on(s, verb, class);
}

static void say(struct serve *s, struct span text)
{
    enum verb verb = slot(s, s->first++)->verb;

    if (!buf_add(&s->out, text)) { /* can_owe() kept this much free: there is no memory */
        forget_owed(s);
        s->hear = HEAR_NO_MORE;
    }
    settle(s, verb, text.at[0]);
}

void serve_answer(struct serve *s, unsigned ticket, struct span text)
{
    if (!serve_is_owed(s, ticket))
        return;
    if (text.len == 0 || text.len > SERVE_REPLY_MAX)
        text = SPAN(BAD_ANSWER);
    if (ticket != s->first) {
        slot(s, ticket)->said = strndup(text.at, text.len);
        if (!slot(s, ticket)->said)
            serve_end(s, SPAN(NO_MEMORY));
        return;
    }
    say(s, text);
    for (char *later; s->first != s->next && (later = slot(s, s->first)->said); free(later))
        say(s, span_of(later));
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

/* Says no in its turn, and ends the session then. */
static void refuse_for_good(struct serve *s, struct span text)
{
    s->hear = HEAR_NOTHING;
    serve_answer(s, owe(s, VERB_ABORT), text);
}

static void refuse(struct serve *s, unsigned ticket, const char *why)
{
    serve_answer(s, ticket, span_of(why));
    if (++s->bad >= SERVE_BAD_MAX && can_owe(s))
        refuse_for_good(s, SPAN(TOO_MANY));
}

static const char *objection(const struct serve *s, const struct request *r)
{
    if (s->turned_away && r->verb != VERB_QUIT)
        return "503 5.5.1 No mail is taken here\r\n";
    if (r->verb == VERB_COUNT)
        return "500 5.5.2 Command not recognized\r\n";
    if (!verb_has(r->verb, s->role == SERVE_WORLD ? VERB_IN : VERB_OUT))
        return "502 5.5.1 Command not implemented\r\n";
    if (!verb_takes(r->verb, r->arg))
        return "501 5.5.4 An argument is missing or too many\r\n";
    if (!verb_may_say(r->verb, r->arg))
        return "501 5.5.4 Only printable characters may stand here\r\n";
    if (!s->greeted && !verb_has(r->verb, VERB_OPEN))
        return "503 5.5.1 EHLO first\r\n";
    if (s->demand_tls && !s->secured && !verb_has(r->verb, VERB_CLEAR))
        return "530 5.7.0 Must issue a STARTTLS command first\r\n";
    if (r->verb == VERB_STARTTLS && s->secured)
        return "503 5.5.1 TLS already active\r\n";
    return NULL;
}

/* Each of the next_ functions says as serve_next(), or -1: answered here, look again. */

static int next_command(struct serve *s, struct span line, struct request *out)
{
    *out = (struct request){.verb = verb_read(line, &out->arg), .arg = out->arg};
    s->lent = line.len + 2;
    if (out->verb == VERB_COUNT && (line_is_http(line) || line_is_head(line))) {
        refuse_for_good(s, line_is_head(line) ? SPAN(NO_HEAD) : SPAN(NOT_HTTP));
        return 0;
    }
    const char *no = objection(s, out);

    if (!no && verb_has(out->verb, VERB_ALONE) && buf_len(&s->in) > s->lent) {
        refuse_for_good(s, SPAN("503 5.5.0 Nothing may follow this command\r\n"));
        return 0;
    }
    out->ticket = owe(s, out->verb);
    if (no) {
        refuse(s, out->ticket, no);
        return -1;
    }
    s->bad = 0;
    if (verb_has(out->verb, VERB_STOPS))
        s->hear = HEAR_NOTHING;
    return 1;
}

static int next_line(struct serve *s, struct request *out)
{
    struct span in = buf_peek(&s->in), line;
    bool auth = span_starts_nocase(in, "AUTH ");

    switch (line_find(in, auth ? SERVE_AUTH_MAX : SERVE_LINE_MAX, &line)) {
    case LINE_NOT_YET:
        return 0;
    case LINE_WHOLE:
        return next_command(s, line, out);
    case LINE_TOO_LONG:
        s->overrun = true;
        refuse(s, owe(s, VERB_COUNT), auth ? AUTH_TOO_LONG : TOO_LONG);
        return -1;
    case LINE_BROKEN:
        refuse_for_good(s, SPAN(BAD_LINE));
        return 0;
    }
    return 0;
}

static int next_response(struct serve *s, struct request *out)
{
    *out = (struct request){.verb = VERB_RESPONSE};
    switch (line_find(buf_peek(&s->in), SERVE_AUTH_MAX, &out->arg)) {
    case LINE_NOT_YET:
        return 0;
    case LINE_WHOLE:
        break;
    case LINE_TOO_LONG:
        refuse_for_good(s, SPAN(AUTH_TOO_LONG));
        return 0;
    case LINE_BROKEN:
        refuse_for_good(s, SPAN(BAD_LINE));
        return 0;
    }
    s->lent = out->arg.len + 2;
    s->hear = HEAR_NOTHING;
    out->ticket = owe(s, VERB_RESPONSE);
    return 1;
}

/* What remains of a line that was too long is dropped, never run. */
static int skip_line(struct serve *s)
{
    struct span in = buf_peek(&s->in);
    const char *lf = in.len ? memchr(in.at, '\n', in.len) : NULL;

    if (!lf) {
        buf_drop(&s->in, in.len - (in.len && in.at[in.len - 1] == '\r'));
        return 0;
    }
    s->overrun = false;
    if (lf == in.at || lf[-1] != '\r') {
        refuse_for_good(s, SPAN(BAD_LINE));
        return 0;
    }
    buf_drop(&s->in, (size_t)(lf - in.at) + 1);
    return -1;
}

static int next_body(struct serve *s, struct request *out)
{
    size_t seen, len = buf_len(&s->in) - s->body;

    if (len == 0)
        return 0;
    char *fresh = s->in.bytes + s->in.from + s->body;
    enum dot_verdict verdict = dot_scan(&s->dot, fresh, len, &seen);

    s->body += seen;
    s->received += seen;
    if (verdict == DOT_MORE)
        return 0;
    *out = (struct request){.verb = verdict == DOT_END ? VERB_END : VERB_ABORT};
    out->ticket = owe(s, out->verb);
    s->hear = HEAR_NOTHING;
    if (verdict == DOT_END)
        s->tail = DOT_LINE;
    serve_body_drop(s, 0);
    return 1;
}

static int next(struct serve *s, struct request *out)
{
    if (s->overrun)
        return skip_line(s);
    switch (s->hear) {
    case HEAR_LINES:
        return next_line(s, out);
    case HEAR_RESPONSE:
        return next_response(s, out);
    case HEAR_BODY:
        return next_body(s, out);
    case HEAR_NOTHING:
    case HEAR_NO_MORE:
        return 0;
    }
    return 0;
}

int serve_next(struct serve *s, struct request *out)
{
    int got = -1;

    while (got < 0) {
        buf_drop(&s->in, s->lent);
        s->lent = 0;
        if (s->hear == HEAR_NO_MORE)
            buf_clear(&s->in);
        got = can_owe(s) ? next(s, out) : 0;
    }
    return got;
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
