/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/hear.h"

#include "smtp/line.h"

#define TOO_LONG "500 5.5.2 Line too long\r\n"
#define AUTH_TOO_LONG "500 5.5.6 Authentication exchange line is too long\r\n"
#define BAD_LINE "500 5.5.2 Commands end in CRLF and hold no CR, LF or NUL\r\n"
#define BAD_CHUNK "521 5.5.4 Syntax: BDAT count [LAST]\r\n"
#define NOT_HTTP "421 4.7.0 This is not an HTTP server\r\n"
#define NO_HEAD "421 4.7.0 No PROXY header is taken from here\r\n"
#define TOO_MANY "421 4.7.0 Too many bad commands\r\n"
#define TOO_IDLE "421 4.7.0 Too many commands without a message\r\n"

/* Says no in its turn, and ends the session then. */
static void refuse_for_good(struct serve *s, struct span text)
{
    s->hear = HEAR_NOTHING;
    serve_answer(s, serve_owe(s, VERB_ABORT), text);
}

static void refuse(struct serve *s, unsigned ticket, const char *why)
{
    serve_answer(s, ticket, span_of(why));
    if (++s->bad >= SERVE_BAD_MAX && serve_can_owe(s))
        refuse_for_good(s, SPAN(TOO_MANY));
}

static const char *hello_first(const struct serve *s)
{
    return s->role == SERVE_LMTP ? "503 5.5.1 LHLO first\r\n" : "503 5.5.1 EHLO first\r\n";
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
        return hello_first(s);
    if (s->demand_tls && !s->secured && !verb_has(r->verb, VERB_CLEAR))
        return "530 5.7.0 Must issue a STARTTLS command first\r\n";
    if (r->verb == VERB_STARTTLS && s->secured)
        return "503 5.5.1 TLS already active\r\n";
    return NULL;
}

/* A chunk begins, if its command is in order; `no` is what is against it. */
static void begin_chunk(struct serve *s, struct request *out, const char *no)
{
    s->hear = HEAR_CHUNK;
    s->dropping = no != NULL;
    s->chunk_ticket = s->next;
    out->octets = s->chunk.left;
    if (!no && s->chunk.last)
        out->verb = VERB_LAST;
    if (!no && s->chunk.last && s->chunk.left == 0 && !chunk_is_whole(&s->chunk)) {
        out->verb = VERB_ABORT;
        s->hear = HEAR_NOTHING;
    }
}

/* Each of the next_ functions says as serve_next(), or -1: answered here, look again. */

/* What cannot be a client of SMTP, or not one that can be followed any further. */
static const char *breach(struct serve *s, struct span line, const struct request *r)
{
    if (r->verb == VERB_COUNT && line_is_head(line))
        return NO_HEAD;
    if (r->verb == VERB_COUNT && line_is_http(line))
        return NOT_HTTP;
    if (r->verb == VERB_BDAT && !chunk_read(&s->chunk, r->arg))
        return BAD_CHUNK;
    return NULL;
}

/* What is in order by itself, and the end all the same. Our own MTA may idle as it likes. */
static const char *last_straw(struct serve *s, enum verb verb)
{
    if (verb_has(verb, VERB_ALONE) && buf_len(&s->in) > s->lent)
        return "503 5.5.0 Nothing may follow this command\r\n";
    s->idle += s->role == SERVE_WORLD && verb_has(verb, VERB_IDLE);
    return serve_idles(s) ? TOO_IDLE : NULL;
}

/* SMTP and LMTP greet in their own ways, and neither knows the other's. */
static enum verb known(const struct serve *s, enum verb verb)
{
    unsigned others = s->role == SERVE_LMTP ? VERB_SMTP : VERB_LMTP;

    return verb != VERB_COUNT && verb_has(verb, others) ? VERB_COUNT : verb;
}

static int next_command(struct serve *s, struct span line, struct request *out)
{
    *out = (struct request){.verb = known(s, verb_read(line, &out->arg)), .arg = out->arg};
    if (out->verb != VERB_COUNT && verb_has(out->verb, VERB_WAITS) && s->first != s->next)
        return 0;
    s->lent = line.len + 2;

    const char *end = breach(s, line, out), *no = end ? NULL : objection(s, out);

    if (!end && !no)
        end = last_straw(s, out->verb);
    if (end) {
        refuse_for_good(s, span_of(end));
        return 0;
    }
    if (out->verb == VERB_BDAT)
        begin_chunk(s, out, no);
    out->ticket = serve_owe(s, out->verb);
    if (no) {
        refuse(s, out->ticket, no);
        return -1;
    }
    s->bad = 0;
    if (out->verb < VERB_COUNT && verb_has(out->verb, VERB_STOPS))
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
        if (span_starts_nocase(in, "BDAT")) {
            refuse_for_good(s, SPAN(BAD_CHUNK));
            return 0;
        }
        s->overrun = true;
        refuse(s, serve_owe(s, VERB_COUNT), auth ? AUTH_TOO_LONG : TOO_LONG);
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
    out->ticket = serve_owe(s, VERB_RESPONSE);
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

static char *fresh(struct serve *s)
{
    return s->in.bytes + s->in.from + s->body;
}

/* `seen` more bytes are message. */
static void take_in(struct serve *s, size_t seen)
{
    s->body += seen;
    if (s->dropping)
        serve_body_drop(s, s->body);
    else
        s->received += seen;
}

static int next_body(struct serve *s, struct request *out)
{
    size_t seen, len = buf_len(&s->in) - s->body;

    if (len == 0)
        return 0;
    enum dot_verdict verdict = dot_scan(&s->dot, fresh(s), len, &seen);

    take_in(s, seen);
    if (s->size_max && s->received - s->dot.stuffed > s->size_max) {
        s->dropping = true;
        serve_body_drop(s, s->body);
    }
    if (verdict == DOT_MORE)
        return 0;
    *out = (struct request){.verb = verdict == DOT_BARE ? VERB_ABORT
                                    : s->dropping       ? VERB_OUTGROWN
                                                        : VERB_END,
                            .arg = SPAN("")};
    out->ticket = serve_owe(s, out->verb);
    s->hear = HEAR_NOTHING;
    if (verdict == DOT_END)
        s->tail = DOT_LINE;
    serve_body_drop(s, 0);
    return 1;
}

/* The answer to the chunk says so, if it was not given already. */
static int abort_chunk(struct serve *s, struct request *out)
{
    bool owed = serve_is_owed(s, s->chunk_ticket);

    *out = (struct request){.verb = VERB_ABORT, .arg = SPAN("")};
    out->ticket = owed ? s->chunk_ticket : serve_owe(s, VERB_ABORT);
    s->asked[out->ticket % SERVE_DEPTH] = VERB_ABORT;
    s->hear = HEAR_NOTHING;
    return 1;
}

/* Commands go on behind the last octet, once all octets have left: they are in front of it. */
static int next_chunk(struct serve *s, struct request *out)
{
    size_t seen, len = buf_len(&s->in) - s->body;

    if (len > s->chunk.left)
        len = s->chunk.left;
    if (s->dropping) {
        buf_drop(&s->in, len);
        s->chunk.left -= len;
    } else if (len > 0) {
        bool well = chunk_scan(&s->chunk, s->dot.bare, fresh(s), len, &seen);

        take_in(s, seen);
        if (!well)
            return abort_chunk(s, out);
    }
    if (s->chunk.left > 0 || s->body > 0)
        return 0;
    /* As behind a lone dot: what comes next is another message's. */
    s->hear = serve_is_owed(s, s->chunk_ticket) && s->chunk.last ? HEAR_NOTHING : HEAR_LINES;
    return s->hear == HEAR_LINES ? -1 : 0;
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
    case HEAR_CHUNK:
        return next_chunk(s, out);
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
        got = serve_can_owe(s) ? next(s, out) : 0;
    }
    return got;
}
