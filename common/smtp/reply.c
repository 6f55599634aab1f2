/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/reply.h"

#include <ctype.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/text.h"

/* The next line without its end; false: no more. */
static bool next_line(struct span *whole, struct span *line)
{
    if (whole->len == 0)
        return false;
    *line = span_cut(whole, '\n');
    if (line->len && line->at[line->len - 1] == '\r')
        line->len--;
    return true;
}

static struct span last_line(struct span whole)
{
    struct span line = {"", 0};

    while (next_line(&whole, &line))
        ;
    return line;
}

/* What stands behind the code. */
static struct span text_of(struct span line)
{
    return line.len > 4 ? span_after(line, 4) : SPAN("");
}

/* Takes an enhanced status code off the front of `text` (RFC 2034, 4; RFC 3463, 2), which
 * must be of the reply's own class. Empty: there is none. */
static struct span take_status(struct span *text, char class)
{
    struct span rest = *text, status = span_cut(&rest, ' '), parts = status, part;
    unsigned long n;
    int count = 0;

    for (; parts.len && count < 3; count++) {
        part = span_cut(&parts, '.');
        if (part.len > 3 || !text_number(part, 999, &n) || (count == 0 && part.len != 1))
            return SPAN("");
    }
    if (count != 3 || parts.len || status.at[0] != class || status.at[status.len - 1] == '.')
        return SPAN("");
    *text = rest;
    return status;
}

struct reply reply_read(struct span whole)
{
    struct span line = last_line(whole);
    struct reply r = {.text = text_of(line)};
    unsigned long code = 0;

    if (line.len >= 3 && text_number((struct span){line.at, 3}, 999, &code))
        r.code = (int)code;
    struct span status = take_status(&r.text, line.len ? line.at[0] : '0');

    if (status.len)
        text_copy(r.status, sizeof r.status, status);
    else
        snprintf(r.status, sizeof r.status, "%d.0.0", r.code / 100 % 10);
    return r;
}

/* Puts cleaned text behind the `len` bytes there are; what is cut is cut. */
static size_t add(char *to, size_t size, size_t len, struct span text)
{
    return len < size ? len + text_clean(to + len, size - len, text) : len;
}

size_t reply_flat(char *to, size_t size, struct span whole)
{
    size_t len = 0;
    bool first = true;

    text_copy(to, size, SPAN(""));
    for (struct span line; next_line(&whole, &line); first = false) {
        struct span text = text_of(line), seen = text;

        if (!first && take_status(&seen, line.at[0]).len)
            text = seen;
        if (first) {
            len = add(to, size, len, (struct span){line.at, line.len < 3 ? line.len : 3});
            len = add(to, size, len, text.len ? SPAN(" ") : SPAN(""));
        } else {
            len = add(to, size, len, SPAN("; "));
        }
        len = add(to, size, len, text);
    }
    return len;
}

static bool is_id_char(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* The token at the front of `s`, if it can be an id and ends there. */
static struct span read_id(struct span s)
{
    size_t len = 0;

    while (len < s.len && is_id_char(s.at[len]))
        len++;
    if (len < s.len && !strchr(" ;,)", s.at[len]))
        return SPAN("");
    return (struct span){s.at, len < REPLY_ID_MAX ? len : 0};
}

/* What follows the first `word` in `s`; empty: it is not there. */
static struct span behind(struct span s, struct span word)
{
    for (; s.len >= word.len; s = span_after(s, 1))
        if (span_alike(s.at, word.at, word.len))
            return span_after(s, word.len);
    return SPAN("");
}

struct span reply_queue_id(struct span whole)
{
    struct span line = last_line(whole), text = text_of(line), id = {"", 0};

    if (!span_starts(line, "250"))
        return id;
    (void)take_status(&text, '2'); /* it may stand before the words */
    if ((id = read_id(behind(text, SPAN("queued as ")))).len)
        return id;
    if ((id = read_id(behind(text, SPAN("OK id=")))).len)
        return id;

    struct span rest = text, first = span_cut(&rest, ' ');

    return span_starts_nocase(rest, "Message accepted") ? read_id(first) : SPAN("");
}

bool reply_append(struct buf *to, struct span whole, struct span text)
{
    struct span last = last_line(whole);
    size_t len = (size_t)(last.at - whole.at) + last.len;

    if (last.len < 3 || buf_room(to) < len + text.len + 5)
        return false;
    return buf_add(to, (struct span){whole.at, len}) && buf_add(to, SPAN(" [")) &&
           buf_add(to, text) && buf_add(to, SPAN("]\r\n"));
}
