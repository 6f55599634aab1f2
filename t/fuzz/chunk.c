/* SPDX-License-Identifier: Apache-2.0
 *
 * The first byte says how it is read; then come the chunks of one message, a byte that counts in
 * front of each. The last is the one that has fewer than it says.
 */
#include "smtp/chunk.h"

#include <string.h>

#include "fuzz.h"

int fuzz_reached;

struct message {
    struct chunk chunk;
    enum dot_bare bare;
    size_t step;
    char *text; /* what passed */
    size_t len;
};

/* A whole message has lines that end in CRLF, no other CR or LF, no NUL; before it is whole, its
 * last byte may be a CR. */
static void check(const struct message *m, bool whole)
{
    for (size_t i = 0; i < m->len; i++) {
        promise(m->text[i] != '\0');
        promise(m->text[i] != '\n' || (i > 0 && m->text[i - 1] == '\r'));
        if (m->text[i] == '\r')
            promise(i + 1 < m->len ? m->text[i + 1] == '\n' : !whole);
    }
}

/* False: refused. */
static bool read_chunk(struct message *m, const uint8_t *bytes, size_t size)
{
    char *at = m->text + m->len;
    size_t seen = 0, to = 0;

    promise(m->chunk.left == size);
    memcpy(at, bytes, size);
    for (size_t from = 0; from < size; from += seen) {
        to = size - to < m->step ? size : to + m->step;

        bool well = chunk_scan(&m->chunk, m->bare, at + from, to - from, &seen);

        promise(seen <= to - from);
        m->len += seen;
        promise(m->chunk.left == size - from - seen);
        if (!well)
            return false;
        promise(to - from - seen <= 1 && (to < size || from + seen == size));
    }
    return true;
}

static void ask(struct message *m, size_t octets, bool last)
{
    char arg[40];
    int n = snprintf(arg, sizeof arg, "%zu%s", octets, last ? " LAST" : "");

    promise(chunk_read(&m->chunk, (struct span){arg, (size_t)n}));
    promise(m->chunk.last == last);
}

static void read_message(struct message *m, const uint8_t *bytes, size_t size)
{
    bool well = true, last = false;
    unsigned chunks = 0;

    while (well && !last) {
        size_t octets = size ? bytes[0] : 0;

        bytes += size > 0;
        size -= size > 0;
        last = octets > size || size == 0;
        octets = last ? size : octets;
        ask(m, octets, last);
        well = read_chunk(m, bytes, octets);
        check(m, false);
        bytes += octets;
        size -= octets;
        chunks++;
    }
    if (well && chunk_is_whole(&m->chunk)) {
        check(m, true);
        fuzz_reached += chunks > 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct chunk any = {.left = 0};

    if (size < 1)
        return 0;

    struct message m = {.bare = bytes[0] & 1 ? DOT_NORMALIZE : DOT_REJECT,
                        .step = 1 + (size_t)(bytes[0] >> 1),
                        .text = malloc(size)};

    promise(m.text);
    chunk_init(&m.chunk);
    read_message(&m, bytes + 1, size - 1);
    free(m.text);
    promise(!chunk_read(&any, (struct span){(const char *)bytes, size}) || any.left <= CHUNK_MOST);
    return 0;
}
