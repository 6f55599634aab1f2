/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/table.h"

#include <fcntl.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "keep/layout.h"

/* How often a place of the index is looked at again. Each time, its writer has got on by two
 * entries at least; none that stands still, or is dead, holds a reader up. */
enum { TRIES = 1000 };

/* An entry as it was read. */
struct content {
    struct fixed fixed;
    size_t len; /* of bytes */
    char bytes[BLOCKS_MOST * BLOCK_BYTES];
};

static uint32_t hash_of(const struct table *t, const struct table_key *key)
{
    uint64_t words[(sizeof *key + 7) / 8] = {0}, hash = t->map->seed;

    memcpy(words, key, sizeof *key);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29 ^ t->map->seed >> (i * 8);
    }
    return (uint32_t)(hash * 0xbf58476d1ce4e5b9u >> 32);
}

/* The bytes of an entry; how many comes back. */
static size_t pack(const struct table_key keys[TABLE_KEYS], const struct table_entry *e,
                   char to[CONTENT_MOST])
{
    struct fixed fixed = {.made = clock_mono(),
                          .session = e->session,
                          .client = e->client,
                          .listener = e->listener,
                          .secure = e->secure};
    size_t title = strnlen(e->rule, sizeof e->rule - 1);
    char *at = to + sizeof fixed;

    memcpy(at, e->rule, title);
    at[title] = '\0';
    fixed.len = (uint16_t)(title + 1);
    if (e->secure)
        fixed.len = (uint16_t)(fixed.len + facts_pack(&e->tls, at + fixed.len));
    memcpy(fixed.keys, keys, sizeof fixed.keys);
    memcpy(to, &fixed, sizeof fixed);
    return sizeof fixed + fixed.len;
}

/* Whoever reads trusts no writer to have ended a text. */
static void unpack(const struct content *c, struct table_entry *out)
{
    struct span rest = {c->bytes + sizeof c->fixed, c->len - sizeof c->fixed};
    struct span title = span_cut(&rest, '\0');
    size_t len = title.len < sizeof out->rule ? title.len : sizeof out->rule - 1;

    *out = (struct table_entry){.session = c->fixed.session,
                                .client = c->fixed.client,
                                .listener = c->fixed.listener,
                                .secure = c->fixed.secure};
    out->session.text[sizeof out->session.text - 1] = '\0';
    memcpy(out->rule, title.at, len);
    if (out->secure)
        facts_unpack(rest, &out->tls);
}

static void write_block(struct block *b, const char *from, size_t len, uint32_t next)
{
    uint64_t words[BLOCK_WORDS] = {0};
    unsigned version = atomic_load_explicit(&b->version, memory_order_relaxed) | 1;

    memcpy(words, from, len);
    atomic_store_explicit(&b->version, version, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&b->next, next, memory_order_relaxed);
    for (size_t i = 0; i < (len + 7) / 8; i++)
        atomic_store_explicit(&b->words[i], words[i], memory_order_relaxed);
    atomic_store_explicit(&b->version, version + 1, memory_order_release);
}

/* False: it was written meanwhile. */
static bool read_block(const struct block *from, char to[BLOCK_BYTES], uint32_t *next)
{
    uint64_t words[BLOCK_WORDS];
    unsigned version = atomic_load_explicit(&from->version, memory_order_acquire);

    *next = atomic_load_explicit(&from->next, memory_order_relaxed);
    for (size_t i = 0; i < BLOCK_WORDS; i++)
        words[i] = atomic_load_explicit(&from->words[i], memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    memcpy(to, words, BLOCK_BYTES);
    return !(version & 1) && atomic_load_explicit(&from->version, memory_order_relaxed) == version;
}

/* What a place of the index, which said `said`, leads to. False: it does no more.
 *
 * As long as the index leads to an entry nothing of it is written. So who has read all of it, then
 * finds that the index leads there still, and only then that its first block is as it was, has
 * read one entry: had another come to lie there, that block would have been written. */
static bool read_entry(const struct table *t, unsigned part, const _Atomic uint64_t *at,
                       uint64_t said, struct content *out)
{
    const struct block *first = block_of(t, part, (uint32_t)said - 1);
    unsigned version = atomic_load_explicit(&first->version, memory_order_acquire);
    uint32_t next;

    if (!read_block(first, out->bytes, &next))
        return false;
    memcpy(&out->fixed, out->bytes, sizeof out->fixed);
    out->len = sizeof out->fixed + out->fixed.len;
    if (out->len > CONTENT_MOST)
        return false;
    for (size_t i = BLOCK_BYTES; i < out->len; i += BLOCK_BYTES)
        if (next == 0 || next > t->blocks ||
            !read_block(block_of(t, part, next - 1), out->bytes + i, &next))
            return false;
    if (atomic_load_explicit(at, memory_order_acquire) != said)
        return false;
    return atomic_load_explicit(&first->version, memory_order_relaxed) == version;
}

static bool has_key(const struct content *c, const struct table_key *key)
{
    for (int i = 0; i < TABLE_KEYS; i++)
        if (memcmp(&c->fixed.keys[i], key, sizeof *key) == 0)
            return true;
    return false;
}

/* Does this place of the index lead to `key`? */
static bool is_at(const struct table *t, unsigned part, size_t place, uint32_t hash,
                  const struct table_key *key, struct content *out)
{
    const _Atomic uint64_t *at = &part_of(t, part)->index[place];

    for (int i = 0; i < TRIES; i++) {
        uint64_t said = atomic_load_explicit(at, memory_order_acquire);

        if (said == 0 || said >> 32 != hash || (uint32_t)said - 1 >= t->blocks)
            return false;
        if (read_entry(t, part, at, said, out))
            return has_key(out, key); /* else another one with the same hash */
    }
    return false;
}

/* Where in the index of this part `key` is; its entry comes along. -1: nowhere. */
static ssize_t locate(const struct table *t, unsigned part, const struct table_key *key,
                      struct content *out)
{
    uint32_t hash = hash_of(t, key);

    for (size_t i = 0; i < PROBES; i++) {
        size_t place = (hash + i) & (t->places - 1);

        if (is_at(t, part, place, hash, key, out))
            return (ssize_t)place;
    }
    return -1;
}

/* A block that is not in use: its number + 1; 0: none. */
static uint32_t take_block(struct table *t, unsigned part)
{
    struct part *p = part_of(t, part);

    if (p->free > 0) {
        uint32_t at = p->free;

        p->free = atomic_load_explicit(&block_of(t, part, at - 1)->next, memory_order_relaxed);
        return at;
    }
    if (p->fresh >= t->blocks)
        return 0;
    if (p->fresh == p->allocated) {
        size_t from = block_offset(t, part, p->fresh), to = block_offset(t, part, p->fresh + CHUNK);

        if (to > t->size)
            to = t->size;
        if (posix_fallocate(t->fd, (off_t)from, (off_t)(to - from)) != 0)
            return 0;
        p->allocated += CHUNK;
    }
    return ++p->fresh;
}

/* The chain that begins there, to which the index leads no more. Nothing of it is written but where
 * it goes on: who reads it just now and comes to a block of others looks at the index again. */
static void give_back(struct table *t, unsigned part, uint32_t first)
{
    struct part *p = part_of(t, part);

    for (uint32_t next; first > 0 && first <= t->blocks; first = next) {
        struct block *b = block_of(t, part, first - 1);

        next = atomic_load_explicit(&b->next, memory_order_relaxed);
        atomic_store_explicit(&b->next, p->free, memory_order_release);
        p->free = first;
    }
}

/* Its number + 1; 0: there are not blocks enough. */
static uint32_t write_entry(struct table *t, unsigned part, const char *from, size_t len)
{
    uint32_t taken[BLOCKS_MOST], next = 0;
    size_t count = (len + BLOCK_BYTES - 1) / BLOCK_BYTES;

    for (size_t i = 0; i < count; i++)
        if ((taken[i] = take_block(t, part)) == 0) {
            while (i-- > 0) {
                atomic_store_explicit(&block_of(t, part, taken[i] - 1)->next, 0,
                                      memory_order_relaxed);
                give_back(t, part, taken[i]);
            }
            return 0;
        }
    for (size_t i = count; i-- > 0; next = taken[i]) {
        size_t at = i * BLOCK_BYTES, rest = len - at;

        write_block(block_of(t, part, taken[i] - 1), from + at,
                    rest < BLOCK_BYTES ? rest : BLOCK_BYTES, next);
    }
    return next;
}

/* A place in the index that leads nowhere, and is not `taken`; -1: none near. */
static ssize_t find_room(struct table *t, unsigned part, uint32_t hash, ssize_t taken)
{
    struct part *p = part_of(t, part);

    for (size_t i = 0; i < PROBES; i++) {
        size_t place = (hash + i) & (t->places - 1);

        if (atomic_load_explicit(&p->index[place], memory_order_relaxed) == 0 &&
            (ssize_t)place != taken)
            return (ssize_t)place;
    }
    return -1;
}

/* Does a place of the index lead there from a key of this entry? */
static bool is_led_to(const struct table *t, unsigned part, uint32_t first, const struct content *c)
{
    struct part *p = part_of(t, part);

    for (int k = 0; k < TABLE_KEYS; k++) {
        uint32_t hash = hash_of(t, &c->fixed.keys[k]);

        for (size_t i = 0; i < PROBES; i++) {
            size_t place = (hash + i) & (t->places - 1);

            if (atomic_load_explicit(&p->index[place], memory_order_relaxed) ==
                ((uint64_t)hash << 32 | first))
                return true;
        }
    }
    return false;
}

/* A place leads elsewhere now; where it led before is free if no other leads there. */
static void lead(struct table *t, unsigned part, size_t place, uint64_t to)
{
    struct part *p = part_of(t, part);
    _Atomic uint64_t *at = &p->index[place];
    uint64_t said = atomic_load_explicit(at, memory_order_relaxed);
    struct content old;
    bool led = said != 0 && read_entry(t, part, at, said, &old);

    atomic_store_explicit(at, to, memory_order_release);
    p->used = p->used + (to != 0) - (said != 0);
    if (led && !is_led_to(t, part, (uint32_t)said, &old))
        give_back(t, part, (uint32_t)said);
}

/* Where each key is to be; the second is -1 if they are the same. False: there is no room. */
static bool find_places(struct table *t, unsigned part, const struct table_key keys[TABLE_KEYS],
                        ssize_t places[TABLE_KEYS])
{
    struct part *p = part_of(t, part);
    struct content old;
    uint32_t more = 0;

    places[1] = -1;
    for (int i = 0; i < TABLE_KEYS; i++) {
        if (i > 0 && memcmp(&keys[0], &keys[i], sizeof *keys) == 0)
            break;
        places[i] = locate(t, part, &keys[i], &old);
        if (places[i] >= 0)
            continue;
        places[i] = find_room(t, part, hash_of(t, &keys[i]), i > 0 ? places[0] : -1);
        more++;
        if (places[i] < 0)
            return false;
    }
    return p->used + more <= t->entries;
}

bool table_put(struct table *t, unsigned part, const struct table_key keys[TABLE_KEYS],
               const struct table_entry *entry)
{
    ssize_t places[TABLE_KEYS];
    char bytes[CONTENT_MOST];

    if (part >= t->parts || !find_places(t, part, keys, places))
        return false;
    uint32_t first = write_entry(t, part, bytes, pack(keys, entry, bytes));

    for (int i = 0; first > 0 && i < TABLE_KEYS; i++)
        if (places[i] >= 0)
            lead(t, part, (size_t)places[i], (uint64_t)hash_of(t, &keys[i]) << 32 | first);
    return first > 0;
}

void table_drop(struct table *t, unsigned part, const struct table_key *key,
                const struct id *session)
{
    struct content old;
    ssize_t place = part < t->parts ? locate(t, part, key, &old) : -1;

    if (place >= 0 && (!session || strncmp(old.fixed.session.text, session->text, ID_TEXT) == 0))
        lead(t, part, (size_t)place, 0);
}

void table_clear(struct table *t, unsigned part)
{
    struct part *p = part < t->parts ? part_of(t, part) : NULL;

    if (!p || p->fresh == 0)
        return;
    for (size_t i = 0; i < t->places; i++)
        atomic_store_explicit(&p->index[i], 0, memory_order_release);
    p->fresh = p->free = p->used = 0;
}

/* The same connection may be in two parts for a moment: ports are used again. The youngest is it.
 */
bool table_find(const struct table *t, const struct table_key *key, struct table_entry *out)
{
    struct content content;
    double made = 0;
    bool found = false;

    for (unsigned part = 0; part < t->parts; part++)
        if (locate(t, part, key, &content) >= 0 && (!found || content.fixed.made > made)) {
            found = true;
            made = content.fixed.made;
            unpack(&content, out);
        }
    return found;
}
