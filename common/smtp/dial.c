/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/dial.h"

#include <assert.h>

#include "base/text.h"

static const char lone_dot[] = ".\r\n";

void dial_init(struct dial *d)
{
    *d = (struct dial){.next = 1}; /* ticket 0, the greeting, is owed */
    buf_init(&d->in, 4 * DIAL_REPLY_MAX);
    buf_init(&d->out, DIAL_OUT_MAX);
}

void dial_clear(struct dial *d)
{
    buf_clear(&d->in);
    buf_clear(&d->out);
}

size_t dial_space(struct dial *d, char **at)
{
    return buf_share(&d->in, at);
}

void dial_settle(struct dial *d)
{
    if (d->lent == 0)
        buf_settle(&d->in);
}

void dial_grew(struct dial *d, size_t count)
{
    buf_grew(&d->in, count);
}

bool dial_feed(struct dial *d, struct span bytes)
{
    return buf_add(&d->in, bytes);
}

bool dial_preface(struct dial *d, struct span bytes)
{
    return buf_add(&d->out, bytes);
}

unsigned dial_waits(const struct dial *d)
{
    return d->next - d->first - d->deferred;
}

bool dial_is_sending(const struct dial *d)
{
    return d->ending > 0 || d->chunk > 0;
}

bool dial_has_room(const struct dial *d, size_t len)
{
    return d->next - d->first < DIAL_DEPTH && !dial_is_sending(d) && buf_room(&d->out) >= len;
}

bool dial_ask(struct dial *d, unsigned ticket, struct span line)
{
    if (!dial_has_room(d, line.len) || !buf_add(&d->out, line))
        return false;
    d->asked[d->next++ % DIAL_DEPTH] = ticket;
    d->deferred = false;
    return true;
}

void dial_defer(struct dial *d)
{
    assert(d->next - d->first == 1 && !dial_is_sending(d));
    d->deferred = true;
}

void dial_resume(struct dial *d)
{
    d->deferred = false;
}

bool dial_end(struct dial *d, unsigned ticket)
{
    if (!dial_has_room(d, 0))
        return false;
    d->ending = sizeof lone_dot - 1;
    d->asked[d->next++ % DIAL_DEPTH] = ticket;
    return true;
}

bool dial_chunk(struct dial *d, unsigned ticket, struct span line, unsigned long octets)
{
    if (!dial_ask(d, ticket, line))
        return false;
    d->chunk = octets;
    return true;
}

size_t dial_pieces(const struct dial *d, struct span body, struct span out[DIAL_PIECES])
{
    struct span commands = buf_peek(&d->out);
    struct span dot = {lone_dot + sizeof lone_dot - 1 - d->ending, d->ending};
    size_t count = 0;

    if (d->chunk && body.len > d->chunk)
        body.len = d->chunk;
    if (commands.len && !d->deferred)
        out[count++] = commands;
    if (body.len)
        out[count++] = body;
    if (dot.len)
        out[count++] = dot;
    return count;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t dial_went(struct dial *d, struct span body, size_t count)
{
    size_t commands = smaller(count, buf_len(&d->out));
    size_t message = smaller(count - commands, body.len);

    d->chunk -= smaller(message, d->chunk);
    buf_drop(&d->out, commands);
    d->ending -= (unsigned)smaller(count - commands - message, d->ending);
    return message;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Is it a line of a reply, its CRLF with it (RFC 5321, 4.2)? Without text, the space behind
 * the code may be missing. */
static bool is_reply_line(struct span line)
{
    return line.len >= 5 && line.at[line.len - 2] == '\r' && line.at[0] >= '2' &&
           line.at[0] <= '5' && is_digit(line.at[1]) && is_digit(line.at[2]) &&
           (line.at[3] == ' ' || line.at[3] == '-' || line.len == 5);
}

static size_t reply_max(struct span in)
{
    return span_starts(in, "334") ? DIAL_CHALLENGE_MAX : DIAL_REPLY_MAX;
}

/* The whole reply at the front of `in`: its length; 0 if more must come; -1. */
static int find_reply(struct span in)
{
    struct span rest = in;
    size_t max = reply_max(in);

    for (const char *lf; rest.len && (lf = memchr(rest.at, '\n', rest.len));) {
        struct span line = {rest.at, (size_t)(lf - rest.at) + 1};

        rest = span_after(rest, line.len);
        if (in.len - rest.len > max || !is_reply_line(line) || memcmp(line.at, in.at, 3) != 0)
            return -1;
        if (line.at[3] != '-')
            return (int)(in.len - rest.len);
    }
    return in.len >= max ? -1 : 0;
}

/* Nobody behind us shall see what a terminal or a parser could take amiss. */
static void clean(char *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool odd = (unsigned char)at[i] < ' ' || at[i] == 0x7f;

        if (!odd || at[i] == '\t')
            continue;
        if (at[i] == '\r' && at[i + 1] == '\n')
            i++;
        else
            at[i] = '?';
    }
}

static struct span unread(struct dial *d)
{
    buf_drop(&d->in, d->lent);
    d->lent = 0;
    return buf_peek(&d->in);
}

static int take_reply(struct dial *d, struct span in, unsigned ticket, struct heard *out)
{
    int len = find_reply(in);

    if (len <= 0)
        return len;
    d->lent = (size_t)len;
    if (text_plain(in) + 2 < d->lent) /* else all but the last CRLF is: as nearly always */
        clean(d->in.bytes + d->in.from, d->lent);
    *out = (struct heard){
        .ticket = ticket,
        .code = (in.at[0] - '0') * 100 + (in.at[1] - '0') * 10 + in.at[2] - '0',
        .text = {in.at, d->lent},
    };
    return 1;
}

int dial_next(struct dial *d, struct heard *out)
{
    struct span in = unread(d);
    int got;

    if (in.len && dial_waits(d) == 0)
        return -1;
    got = take_reply(d, in, d->asked[d->first % DIAL_DEPTH], out);
    d->first += got > 0;
    return got;
}

int dial_early(struct dial *d, struct heard *out)
{
    return d->first != d->next ? -1 : take_reply(d, unread(d), 0, out);
}

bool dial_secured(struct dial *d)
{
    buf_drop(&d->in, d->lent);
    d->lent = 0;
    return buf_len(&d->in) == 0 && buf_len(&d->out) == 0 && d->first == d->next;
}
