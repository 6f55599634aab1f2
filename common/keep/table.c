/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/table.h"

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "keep/layout.h"

/* How often a record that changes is read again. */
enum { TRIES = 10000 };

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

/* False: it was written all the time, or its writer died over it. */
static bool read_record(const struct record *from, struct content *to)
{
    uint64_t words[WORDS];

    for (int i = 0; i < TRIES; i++) {
        unsigned version = atomic_load_explicit(&from->version, memory_order_acquire);

        if (version & 1) {
            if (i % 64 == 63)
                sched_yield();
            continue;
        }
        for (size_t w = 0; w < WORDS; w++)
            words[w] = atomic_load_explicit(&from->words[w], memory_order_relaxed);
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(&from->version, memory_order_relaxed) == version) {
            memcpy(to, words, sizeof *to);
            return true;
        }
    }
    return false;
}

/* Where in the index of this part `key` is; its record comes along. -1: nowhere. */
static ssize_t locate(const struct table *t, unsigned part, const struct table_key *key,
                      struct content *out)
{
    struct part *p = part_of(t, part);
    uint32_t hash = hash_of(t, key);

    for (size_t i = 0; i < PROBES; i++) {
        size_t place = (hash + i) & (t->places - 1);
        uint64_t said = atomic_load_explicit(&p->index[place], memory_order_acquire);
        uint32_t number = (uint32_t)said - 1;

        if (said != 0 && said >> 32 == hash && number < t->map->entries &&
            read_record(record_of(t, part, number), out) &&
            memcmp(&out->key, key, sizeof *key) == 0)
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
    if (p->fresh == t->map->entries)
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

static bool add(struct table *t, unsigned part, const struct content *content)
{
    struct part *p = part_of(t, part);
    uint32_t hash = hash_of(t, &content->key);

    for (size_t i = 0; i < PROBES; i++) {
        _Atomic uint64_t *place = &p->index[(hash + i) & (t->places - 1)];

        if (atomic_load_explicit(place, memory_order_relaxed) != 0)
            continue;
        ssize_t number = take_record(t, part);

        if (number < 0)
            return false;
        write_record(record_of(t, part, (uint32_t)number), content);
        atomic_store_explicit(place, (uint64_t)hash << 32 | (uint64_t)(number + 1),
                              memory_order_release);
        return true;
    }
    return false;
}

bool table_put(struct table *t, unsigned part, const struct table_key *key,
               const struct table_entry *entry)
{
    struct content content = {.key = *key, .made = clock_mono(), .entry = *entry}, old;

    if (part >= t->map->parts)
        return false;
    ssize_t place = locate(t, part, key, &old);

    if (place < 0)
        return add(t, part, &content);
    uint64_t said = atomic_load_explicit(&part_of(t, part)->index[place], memory_order_relaxed);

    write_record(record_of(t, part, (uint32_t)said - 1), &content);
    return true;
}

void table_drop(struct table *t, unsigned part, const struct table_key *key)
{
    struct content old;
    ssize_t place = part < t->map->parts ? locate(t, part, key, &old) : -1;

    if (place < 0)
        return;
    struct part *p = part_of(t, part);
    uint64_t said = atomic_exchange_explicit(&p->index[place], 0, memory_order_release);

    free_of(t, p)[p->free_count++] = (uint32_t)said - 1;
}

void table_clear(struct table *t, unsigned part)
{
    struct part *p = part < t->map->parts ? part_of(t, part) : NULL;

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
#undef END
}

/* The same connection may be in two parts for a moment: ports are used again. The youngest is it.
 */
bool table_find(const struct table *t, const struct table_key *key, struct table_entry *out)
{
    struct content content;
    double made = 0;
    bool found = false;

    for (unsigned part = 0; part < t->map->parts; part++)
        if (locate(t, part, key, &content) >= 0 && (!found || content.made > made)) {
            found = true;
            made = content.made;
            *out = content.entry;
            end_texts(out);
        }
    return found;
}
