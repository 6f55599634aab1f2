/* SPDX-License-Identifier: Apache-2.0
 *
 * A hostile upstream. Most bytes are its own; some control characters are what we do
 * meanwhile (see act()).
 */
#include "smtp/dial.h"

#include "fuzz.h"
#include "smtp/ehlo.h"
#include "smtp/reply.h"

int fuzz_reached;

static const char message[] = "Subject: a\r\n\r\n";

/* Sends some of what is there to send. */
static void send_some(struct dial *d, struct span *body, size_t most)
{
    struct span piece[DIAL_PIECES];
    size_t count = dial_pieces(d, *body, piece), all = 0;

    promise(count <= DIAL_PIECES);
    for (size_t i = 0; i < count; i++)
        all += piece[i].len;
    size_t went = dial_went(d, *body, all < most ? all : most);

    promise(went <= body->len);
    *body = span_after(*body, went);
}

static bool act(struct dial *d, struct span *body, uint8_t what)
{
    static unsigned ticket;
    bool went;

    switch (what) {
    case 1:
        went = dial_ask(d, ++ticket, SPAN("NOOP\r\n"));
        promise(went || dial_waits(d) == DIAL_DEPTH || d->ending);
        return true;
    case 2:
        went = dial_end(d, ++ticket);
        promise(went || dial_waits(d) == DIAL_DEPTH || d->ending);
        return true;
    case 3:
        send_some(d, body, 7);
        return true;
    case 4:
        send_some(d, body, 100000);
        return true;
    case 5:
        went = dial_secured(d);
        promise(!went || (buf_len(&d->in) == 0 && dial_waits(d) == 0));
        return true;
    case 6:
        *body = SPAN("");
        body->at = message;
        body->len = sizeof message - 1;
        return true;
    default:
        return false;
    }
}

/* A reply of which all else in this room believes that it was checked. */
static void use(const struct heard *h)
{
    struct reply r = reply_read(h->text);

    promise(h->code >= 200 && h->code < 600 && r.code == h->code);
    promise(h->text.len <= DIAL_REPLY_MAX && memcmp(h->text.at + h->text.len - 2, "\r\n", 2) == 0);
    for (size_t i = 0; i < h->text.len; i++) {
        unsigned char c = (unsigned char)h->text.at[i];

        promise(c >= ' ' || c == '\t' || c == '\r' || c == '\n');
        promise(c != '\r' || h->text.at[i + 1] == '\n');
    }
    fuzz_reached += h->text.at[3] == '-';
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct span body = {message, sizeof message - 1};
    struct dial d;
    struct heard h;
    int got = 0;

    dial_init(&d);
    for (size_t i = 0; i < size && got >= 0; i++) {
        if (act(&d, &body, bytes[i]))
            continue;
        promise(dial_feed(&d, (struct span){(const char *)bytes + i, 1}));
        while ((got = dial_next(&d, &h)) > 0)
            use(&h);
        promise(dial_waits(&d) <= DIAL_DEPTH);
        promise(buf_len(&d.in) <= DIAL_REPLY_MAX && d.out.size <= DIAL_OUT_MAX);
    }
    dial_clear(&d);
    return 0;
}
