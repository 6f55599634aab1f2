/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/relay/sent.h"

#include <stdlib.h>

struct head {
    uint64_t size;
    uint32_t crc, awaited;
};

static bool add_text(struct buf *to, struct span text)
{
    return buf_room(to) > text.len && buf_add(to, text) && buf_add(to, (struct span){"", 1});
}

/* Of the reply its last line, which has the code and says most. */
static struct span last_line(struct span reply)
{
    struct span line = reply;

    while (reply.len > 0) {
        struct span one = span_cut(&reply, '\n');

        if (one.len > 0)
            line = one;
    }
    while (line.len > 0 && line.at[line.len - 1] == '\r')
        line.len--;
    if (line.len > SENT_REPLY)
        line.len = SENT_REPLY;
    return line;
}

bool sent_begin(struct buf *to, uint64_t size, uint32_t crc, const char *sender, struct span reply)
{
    struct head head = {.size = size, .crc = crc};

    return buf_add(to, (struct span){(const char *)&head, sizeof head}) &&
           add_text(to, span_of(sender)) && add_text(to, last_line(reply));
}

bool sent_await(struct buf *to, uint32_t until, const char *sender)
{
    struct head head = {.awaited = until};

    return buf_add(to, (struct span){(const char *)&head, sizeof head}) &&
           add_text(to, span_of(sender)) && add_text(to, SPAN(""));
}

bool sent_add(struct buf *to, const char *recipient)
{
    return add_text(to, span_of(recipient));
}

/* The next of texts that each have a NUL behind them; NULL: none. */
static const char *next_text(struct span *rest)
{
    const char *end = rest->len > 0 ? memchr(rest->at, '\0', rest->len) : NULL, *text = rest->at;

    if (!end)
        return NULL;
    *rest = span_after(*rest, (size_t)(end - text) + 1);
    return text;
}

struct sent *sent_read(struct span key, struct span value)
{
    struct sent *s;
    struct head head;
    struct span rest;

    if (value.len <= sizeof head || key.len >= SENT_KEY || value.at[value.len - 1] != '\0' ||
        !(s = calloc(1, sizeof *s + value.len)))
        return NULL;
    memcpy(&head, value.at, sizeof head);
    memcpy(s->key, key.at, s->key_len = key.len);
    rest = span_after(value, sizeof head);
    memcpy(s->texts, rest.at, rest.len);
    rest.at = s->texts;
    s->size = head.size;
    s->crc = head.crc;
    s->awaited = head.awaited;
    s->sender = next_text(&rest);
    s->reply = next_text(&rest);
    s->recipients = rest;
    if (s->reply && (s->awaited > 0 || s->reply[0] == '2'))
        return s;
    free(s);
    return NULL;
}

void sent_free(struct sent **all)
{
    while (*all) {
        struct sent *one = *all;

        *all = one->next;
        free(one);
    }
}

static bool has(const struct sent *one, const char *sender, const char *recipient)
{
    struct span rest = one->recipients;
    const char *text;

    if (strcmp(one->sender, sender) != 0)
        return false;
    while ((text = next_text(&rest)))
        if (!strcmp(text, recipient))
            return true;
    return false;
}

const struct sent *sent_find(const struct sent *all, const char *sender, const char *recipient)
{
    const struct sent *awaited = NULL;

    for (; all; all = all->next) {
        if (!has(all, sender, recipient))
            continue;
        if (all->awaited == 0)
            return all;
        if (!awaited || awaited->awaited < all->awaited)
            awaited = all;
    }
    return awaited;
}
