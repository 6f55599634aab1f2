/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/table.h"

#include <fcntl.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "keep/layout.h"

/* How often a place of the index is looked at again. Each time, its writer has got on by two
 * entries at least; none that stands still, or is dead, holds a reader up. */
enum { TRIES = 1000 };

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

static void write_record(struct record *r, const struct content *from)
{
    uint64_t words[WORDS] = {0};
    unsigned version = atomic_load_explicit(&r->version, memory_order_relaxed) | 1;

    memcpy(words, from, sizeof *from);
    atomic_store_explicit(&r->version, version, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    for (size_t i = 0; i < WORDS; i++)
        atomic_store_explicit(&r->words[i], words[i], memory_order_relaxed);
    atomic_store_explicit(&r->version, version + 1, memory_order_release);
}

/* False: it was written meanwhile. */
static bool read_record(const struct record *from, struct content *to)
{
    uint64_t words[WORDS];
    unsigned version = atomic_load_explicit(&from->version, memory_order_acquire);

    for (size_t i = 0; i < WORDS; i++)
        words[i] = atomic_load_explicit(&from->words[i], memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    memcpy(to, words, sizeof *to);
    return !(version & 1) && atomic_load_explicit(&from->version, memory_order_relaxed) == version;
}

/* Does this place of the index lead to `key`? */
static bool is_at(const struct table *t, unsigned part, size_t place, uint32_t hash,
                  const struct table_key *key, struct content *out)
{
    const _Atomic uint64_t *at = &part_of(t, part)->index[place];

    for (int i = 0; i < TRIES; i++) {
        uint64_t said = atomic_load_explicit(at, memory_order_acquire);
        uint32_t number = (uint32_t)said - 1;

        if (said == 0 || said >> 32 != hash || number > t->entries)
            return false;
        bool whole = read_record(record_of(t, part, number), out);

        if (whole && memcmp(&out->key, key, sizeof *key) == 0)
            return true;
        /* Another key with the same hash. With another hash, the record was taken for something
         * else and the index may lead to it again by now: to look at that once more is not enough.
         */
        if (whole && hash_of(t, &out->key) == hash &&
            atomic_load_explicit(at, memory_order_acquire) == said)
            return false;
    }
    return false;
}

/* Where in the index of this part `key` is; its record comes along. -1: nowhere. */
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

/* A record that is not in use; -1: none. */
static ssize_t take_record(struct table *t, unsigned part)
{
    struct part *p = part_of(t, part);

    if (p->free_count > 0)
        return free_of(t, p)[--p->free_count];
    if (p->fresh > t->entries)
        return -1;
    if (p->fresh == p->allocated) {
        size_t from = record_offset(t, part, p->fresh),
               to = record_offset(t, part, p->fresh + CHUNK);

        if (to > t->size)
            to = t->size;
        if (posix_fallocate(t->fd, (off_t)from, (off_t)(to - from)) != 0)
            return -1;
        p->allocated += CHUNK;
    }
    return p->fresh++;
}

static void give_back(struct table *t, struct part *p, uint64_t said)
{
    free_of(t, p)[p->free_count++] = (uint32_t)said - 1;
}

/* A place in the index that leads nowhere; -1: none near, or there are enough entries. */
static ssize_t find_room(struct table *t, unsigned part, uint32_t hash)
{
    struct part *p = part_of(t, part);

    if (p->fresh - p->free_count >= t->entries)
        return -1;
    for (size_t i = 0; i < PROBES; i++) {
        size_t place = (hash + i) & (t->places - 1);

        if (atomic_load_explicit(&p->index[place], memory_order_relaxed) == 0)
            return (ssize_t)place;
    }
    return -1;
}

bool table_put(struct table *t, unsigned part, const struct table_key *key,
               const struct table_entry *entry)
{
    struct content content = {.key = *key, .made = clock_mono(), .entry = *entry}, old;

    if (part >= t->parts)
        return false;
    struct part *p = part_of(t, part);
    uint32_t hash = hash_of(t, key);
    ssize_t place = locate(t, part, key, &old);

    if (place < 0)
        place = find_room(t, part, hash);
    ssize_t number = place < 0 ? -1 : take_record(t, part);

    if (number < 0)
        return false;
    write_record(record_of(t, part, (uint32_t)number), &content);
    uint64_t said = atomic_exchange_explicit(
        &p->index[place], (uint64_t)hash << 32 | (uint64_t)(number + 1), memory_order_acq_rel);

    if (said != 0)
        give_back(t, p, said);
    return true;
}

void table_drop(struct table *t, unsigned part, const struct table_key *key)
{
    struct content old;
    ssize_t place = part < t->parts ? locate(t, part, key, &old) : -1;

    if (place < 0)
        return;
    struct part *p = part_of(t, part);

    give_back(t, p, atomic_exchange_explicit(&p->index[place], 0, memory_order_acq_rel));
}

void table_clear(struct table *t, unsigned part)
{
    struct part *p = part < t->parts ? part_of(t, part) : NULL;

    if (!p || p->fresh == 0)
        return;
    for (size_t i = 0; i < t->places; i++)
        atomic_store_explicit(&p->index[i], 0, memory_order_release);
    p->fresh = p->free_count = 0;
}

/* Whoever reads trusts no writer to have ended a text. */
static void end_texts(struct table_entry *e)
{
    struct tls_facts *f = &e->tls;

#define END(text) (text)[sizeof(text) - 1] = '\0'
    END(e->session.text);
    END(e->rule);
    END(f->protocol);
    END(f->cipher);
    END(f->group);
    END(f->verify);
    END(f->sni);
    END(f->peer_subject);
    END(f->peer_fingerprint);
    END(f->peer_key_fingerprint);
#undef END
}

/* The same connection may be in two parts for a moment: ports are used again. The youngest is it.
 */
bool table_find(const struct table *t, const struct table_key *key, struct table_entry *out)
{
    struct content content;
    double made = 0;
    bool found = false;

    for (unsigned part = 0; part < t->parts; part++)
        if (locate(t, part, key, &content) >= 0 && (!found || content.made > made)) {
            found = true;
            made = content.made;
            *out = content.entry;
            end_texts(out);
        }
    return found;
}
