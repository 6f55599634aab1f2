/* SPDX-License-Identifier: Apache-2.0 */
#include "envelope.h"

#include <stdint.h>

/* In a buf a party is these two lengths, then the bytes. */
struct lengths {
    uint16_t mailbox, label;
};

void envelope_init(struct envelope *e)
{
    *e = (struct envelope){.count = 0};
    buf_init(&e->asked, ENVELOPE_ASKED);
    buf_init(&e->sender, ENVELOPE_ASKED);
    buf_init(&e->accepted, ENVELOPE_ACCEPTED);
}

void envelope_clear(struct envelope *e)
{
    buf_clear(&e->asked);
    envelope_reset(e);
}

void envelope_reset(struct envelope *e)
{
    buf_clear(&e->sender);
    buf_clear(&e->accepted);
    e->count = 0;
}

static size_t party_size(const struct party *p)
{
    return sizeof(struct lengths) + p->mailbox.len + p->label.len;
}

/* Reads the party at the front of `from`. */
static struct party party_at(struct span from)
{
    struct lengths n;

    memcpy(&n, from.at, sizeof n);
    from = span_after(from, sizeof n);
    return (struct party){{from.at, n.mailbox}, {from.at + n.mailbox, n.label}};
}

bool envelope_has_room(const struct envelope *e, const struct party *p)
{
    size_t size = party_size(p);

    return p->mailbox.len + p->label.len <= ENVELOPE_PARTY && buf_room(&e->asked) >= size &&
           buf_room(&e->accepted) >= buf_len(&e->asked) + size;
}

static char *append(char *to, struct span s)
{
    if (s.len) /* an empty one may point to nowhere */
        memcpy(to, s.at, s.len);
    return to + s.len;
}

bool envelope_ask(struct envelope *e, const struct party *p)
{
    char whole[sizeof(struct lengths) + ENVELOPE_PARTY];
    size_t size = party_size(p);

    if (!envelope_has_room(e, p))
        return false;

    struct lengths n = {(uint16_t)p->mailbox.len, (uint16_t)p->label.len};

    memcpy(whole, &n, sizeof n);
    append(append(whole + sizeof n, p->mailbox), p->label);
    return buf_add(&e->asked, (struct span){whole, size});
}

/* Moves the oldest question to `to`, or forgets it (NULL). */
static bool answered(struct envelope *e, struct buf *to)
{
    struct span all = buf_peek(&e->asked);

    if (all.len == 0)
        return true;

    struct party p = party_at(all);
    size_t size = party_size(&p);
    bool kept = !to || buf_add(to, (struct span){all.at, size});

    buf_drop(&e->asked, size);
    return kept;
}

bool envelope_mail(struct envelope *e, bool accepted)
{
    if (accepted)
        envelope_reset(e);
    return answered(e, accepted ? &e->sender : NULL);
}

bool envelope_rcpt(struct envelope *e, bool accepted)
{
    /* A mail server that refused MAIL cannot accept a recipient. */
    bool kept = accepted && envelope_is_open(e);

    e->count += kept;
    return answered(e, kept ? &e->accepted : NULL);
}

bool envelope_is_open(const struct envelope *e)
{
    return buf_len(&e->sender) > 0;
}

bool envelope_is_busy(const struct envelope *e)
{
    return envelope_is_open(e) || buf_len(&e->asked) > 0;
}

struct party envelope_sender(const struct envelope *e)
{
    return party_at(buf_peek(&e->sender));
}

bool envelope_next(const struct envelope *e, size_t *at, struct party *out)
{
    struct span all = buf_peek(&e->accepted);

    if (*at >= all.len)
        return false;
    *out = party_at(span_after(all, *at));
    *at += party_size(out);
    return true;
}
