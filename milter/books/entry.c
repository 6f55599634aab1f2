/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/entry.h"

#include "base/buf.h"

/* "e", the slot and the number, most significant byte first: so keys sort by number. */
enum { ENTRY_KEY = 10, ENTRY_MAX = 64 << 20 };

static struct span entry_key(char to[ENTRY_KEY], unsigned slot, uint64_t number)
{
    to[0] = 'e';
    to[1] = (char)slot;
    for (int i = 0; i < 8; i++)
        to[2 + i] = (char)(number >> (8 * (7 - i)));
    return (struct span){to, ENTRY_KEY};
}

/* Of the slot, or false. */
static bool read_key(struct span key, unsigned slot, uint64_t *number)
{
    if (key.len != ENTRY_KEY || key.at[0] != 'e' || (unsigned char)key.at[1] != slot)
        return false;
    *number = 0;
    for (int i = 0; i < 8; i++)
        *number = *number << 8 | (unsigned char)key.at[2 + i];
    return true;
}

/* Rows are megabytes, so they are copied but once, to where the store has them. */
bool entry_put(struct store_txn *t, unsigned kind, unsigned slot, const struct entry *e)
{
    uint32_t header = (uint32_t)e->header.len;
    char key[ENTRY_KEY];
    struct buf front;
    bool ok;

    buf_init(&front, ENTRY_MAX);
    ok = buf_add(&front, (struct span){(const char *)&header, sizeof header}) &&
         buf_add(&front, e->header) &&
         store_put_both(t, kind, entry_key(key, slot, e->number), buf_peek(&front), e->rows, 0);
    buf_clear(&front);
    return ok;
}

static bool read_entry(struct span value, struct entry *out)
{
    uint32_t header;

    if (value.len < sizeof header)
        return false;
    memcpy(&header, value.at, sizeof header);
    value = span_after(value, sizeof header);
    if (header > value.len)
        return false;
    out->header = (struct span){value.at, header};
    out->rows = span_after(value, header);
    return true;
}

struct search {
    unsigned slot;
    uint64_t until;
    struct entry entry;
    bool found;
    struct entry_sum sum;
    uint64_t number[64];
    size_t count;
};

static bool take_first(void *arg, struct span key, struct span value)
{
    struct search *s = arg;

    s->found = read_key(key, s->slot, &s->entry.number) && read_entry(value, &s->entry);
    return false;
}

bool entry_first(struct store_txn *t, unsigned kind, unsigned slot, uint64_t number,
                 struct entry *out)
{
    struct search s = {.slot = slot};
    char key[ENTRY_KEY];

    store_walk_from(t, kind, entry_key(key, slot, number), take_first, &s);
    if (s.found)
        *out = s.entry;
    return s.found;
}

static bool take_sum(void *arg, struct span key, struct span value)
{
    struct search *s = arg;
    struct entry e = {.rows = SPAN("")};

    if (!read_key(key, s->slot, &s->sum.last) || !read_entry(value, &e))
        return false;
    s->sum.count++;
    s->sum.bytes += e.rows.len;
    return true;
}

struct entry_sum entry_sum(struct store_txn *t, unsigned kind, unsigned slot, uint64_t number)
{
    struct search s = {.slot = slot};
    char key[ENTRY_KEY];

    store_walk_from(t, kind, entry_key(key, slot, number), take_sum, &s);
    return s.sum;
}

static bool take_number(void *arg, struct span key, struct span value)
{
    struct search *s = arg;
    uint64_t number;

    (void)value;
    if (!read_key(key, s->slot, &number) || number > s->until)
        return false;
    s->number[s->count++] = number;
    return s->count < COUNT_OF(s->number);
}

bool entry_drop(struct store_txn *t, unsigned kind, unsigned slot, uint64_t number)
{
    struct search s = {.slot = slot, .until = number};
    char key[ENTRY_KEY];

    do {
        s.count = 0;
        store_walk_from(t, kind, entry_key(key, slot, 0), take_number, &s);
        for (size_t i = 0; i < s.count; i++) {
            if (!store_drop(t, kind, entry_key(key, slot, s.number[i])))
                return false;
        }
    } while (s.count == COUNT_OF(s.number));
    return true;
}

static struct span place_key(char to[2], unsigned slot)
{
    to[0] = 'p';
    to[1] = (char)slot;
    return (struct span){to, 2};
}

bool place_put(struct store_txn *t, unsigned kind, unsigned slot, const struct place *place,
               const char *path)
{
    char key[2], value[sizeof *place + BOOK_PATH];
    size_t len = strlen(path);

    memcpy(value, place, sizeof *place);
    memcpy(value + sizeof *place, path, len);
    return store_put(t, kind, place_key(key, slot), (struct span){value, sizeof *place + len}, 0);
}

bool place_get(struct store_txn *t, unsigned kind, unsigned slot, struct place *out,
               char path[BOOK_PATH + 1])
{
    struct span value;
    char key[2];

    if (!store_get(t, kind, place_key(key, slot), &value) || value.len < sizeof *out ||
        value.len > sizeof *out + BOOK_PATH)
        return false;
    memcpy(out, value.at, sizeof *out);
    value = span_after(value, sizeof *out);
    memcpy(path, value.at, value.len);
    path[value.len] = '\0';
    return true;
}
