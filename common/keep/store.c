/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/store.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <lmdb.h>

/* Each kind is two tables: its values, and its keys by the time when they may go. A value
 * begins with that time. Times are microseconds, big-endian so that they sort; 0 is never. */
enum { KINDS_MAX = 16, AGE = 8, KEY_MAX = 500 };

struct store {
    MDB_env *env;
    MDB_dbi values[KINDS_MAX], ages[KINDS_MAX];
    unsigned kinds;
    bool writes;
};

struct store_txn {
    struct store *store;
    MDB_txn *txn;
    int failed; /* the first error; such a transaction is not kept */
    struct {
        MDB_cursor *values, *ages; /* where put() was last; NULL: nowhere */
    } last[KINDS_MAX];
};

static MDB_val val(struct span s)
{
    /* LMDB copies it, or only looks. */
    return (MDB_val){.mv_size = s.len, .mv_data = (void *)(uintptr_t)s.at};
}

static void put_age(unsigned char to[AGE], double until)
{
    uint64_t micros = until > 0 && isfinite(until) ? (uint64_t)(until * 1e6) : 0;

    for (int i = AGE - 1; i >= 0; i--, micros >>= 8)
        to[i] = (unsigned char)micros;
}

static double get_age(const unsigned char *from)
{
    uint64_t micros = 0;

    for (int i = 0; i < AGE; i++)
        micros = micros << 8 | from[i];
    return (double)micros / 1e6;
}

static bool is_never(const void *age)
{
    return memcmp(age, (const unsigned char[AGE]){0}, AGE) == 0;
}

static int open_kinds(struct store *s, const char *const *kinds)
{
    unsigned flags = s->writes ? MDB_CREATE : 0;
    MDB_txn *txn;
    int error = mdb_txn_begin(s->env, NULL, s->writes ? 0 : MDB_RDONLY, &txn);

    if (error)
        return error;
    for (unsigned i = 0; kinds[i] && !error; i++) {
        char ages[64];

        snprintf(ages, sizeof ages, "%s until", kinds[i]);
        error = i == KINDS_MAX ? EINVAL : mdb_dbi_open(txn, kinds[i], flags, &s->values[i]);
        if (!error)
            error = mdb_dbi_open(txn, ages, flags, &s->ages[i]);
        s->kinds = i + 1;
    }
    if (!error)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return error;
}

static int open_env(struct store *s, const char *folder, size_t most)
{
    int error = mdb_env_create(&s->env), dead;

    if (!error)
        error = mdb_env_set_maxdbs(s->env, KINDS_MAX * 2);
    if (!error)
        error = mdb_env_set_mapsize(s->env, most);
    if (!error)
        error = mdb_env_open(s->env, folder, MDB_NOTLS | (s->writes ? 0 : MDB_RDONLY), 0640);
    return error ? error : mdb_reader_check(s->env, &dead);
}

struct store *store_open(const char *folder, const char *const *kinds, size_t most, bool write,
                         char *why, size_t size)
{
    struct store *s = calloc(1, sizeof *s);
    int error = s ? 0 : ENOMEM;

    if (s) {
        s->writes = write;
        if (write && mkdir(folder, 0750) != 0 && errno != EEXIST)
            error = errno;
    }
    if (!error)
        error = open_env(s, folder, most);
    if (!error)
        error = open_kinds(s, kinds);
    if (!error)
        return s;
    snprintf(why, size, "%s: cannot open the store: %s", folder, mdb_strerror(error));
    store_close(&s);
    return NULL;
}

void store_close(struct store **s)
{
    if (*s && (*s)->env)
        mdb_env_close((*s)->env);
    free(*s);
    *s = NULL;
}

static struct store_txn *begin(struct store *s, unsigned flags)
{
    struct store_txn *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->store = s;
    if (mdb_txn_begin(s->env, NULL, flags, &t->txn) == 0)
        return t;
    free(t);
    return NULL;
}

struct store_txn *store_begin(struct store *s)
{
    int dead;

    /* A reader that was killed would keep old pages from being used again. */
    if (s->writes)
        (void)mdb_reader_check(s->env, &dead);
    return begin(s, s->writes ? 0 : MDB_RDONLY);
}

struct store_txn *store_look(struct store *s)
{
    return begin(s, MDB_RDONLY);
}

bool store_commit(struct store_txn **t)
{
    int error = (*t)->failed;

    if (error)
        mdb_txn_abort((*t)->txn);
    else
        error = mdb_txn_commit((*t)->txn);
    free(*t);
    *t = NULL;
    return error == 0;
}

void store_abort(struct store_txn **t)
{
    if (*t)
        mdb_txn_abort((*t)->txn);
    free(*t);
    *t = NULL;
}

/* What is absent is no failure. */
static bool went_well(struct store_txn *t, int error)
{
    if (error && error != MDB_NOTFOUND && !t->failed)
        t->failed = error;
    return error == 0;
}

static MDB_val age_key(unsigned char to[AGE + KEY_MAX], const void *age, struct span key)
{
    memcpy(to, age, AGE);
    memcpy(to + AGE, key.at, key.len);
    return (MDB_val){.mv_size = AGE + key.len, .mv_data = to};
}

/* Before entries are taken away: then no cursor stands where one has gone, whatever LMDB makes of
 * that. Those that are left at the end go with the transaction. */
static void forget_last(struct store_txn *t, unsigned kind)
{
    if (t->last[kind].values)
        mdb_cursor_close(t->last[kind].values);
    if (t->last[kind].ages)
        mdb_cursor_close(t->last[kind].ages);
    t->last[kind].values = t->last[kind].ages = NULL;
}

/* From where it was put last: keys that ascend are not sought from the root. */
static int put_there(struct store_txn *t, MDB_cursor **last, MDB_dbi table, MDB_val *key,
                     MDB_val *value, unsigned how)
{
    int error = *last ? 0 : mdb_cursor_open(t->txn, table, last);

    return error ? error : mdb_cursor_put(*last, key, value, how);
}

/* Takes the key's old age away, if it has one. */
static void drop_age(struct store_txn *t, unsigned kind, struct span key)
{
    unsigned char bytes[AGE + KEY_MAX];
    MDB_val k = val(key), old;

    if (mdb_get(t->txn, t->store->values[kind], &k, &old) != 0 || old.mv_size < AGE ||
        is_never(old.mv_data))
        return;
    k = age_key(bytes, old.mv_data, key);
    went_well(t, mdb_del(t->txn, t->store->ages[kind], &k, NULL));
}

static bool can_have(const struct store_txn *t, unsigned kind, struct span key)
{
    return !t->failed && kind < t->store->kinds && key.len > 0 && key.len <= KEY_MAX;
}

/* For a key that has no age; or with MDB_NOOVERWRITE, by which what is there stays. The value goes
 * in two parts behind its age to where LMDB puts it. */
static bool put(struct store_txn *t, unsigned kind, struct span key, const struct span part[2],
                double until, unsigned how)
{
    unsigned char age[AGE], bytes[AGE + KEY_MAX];
    MDB_val k = val(key), v = {.mv_size = AGE + part[0].len + part[1].len}, none = {0};
    char *to;
    int error =
        put_there(t, &t->last[kind].values, t->store->values[kind], &k, &v, MDB_RESERVE | how);

    if (error == MDB_KEYEXIST)
        return true;
    if (!went_well(t, error))
        return false;
    put_age(age, until);
    to = memcpy(v.mv_data, age, AGE);
    to += AGE;
    for (size_t i = 0; i < 2; to += part[i++].len)
        if (part[i].len > 0)
            memcpy(to, part[i].at, part[i].len);
    if (is_never(age))
        return true;
    k = age_key(bytes, age, key);
    return went_well(t, put_there(t, &t->last[kind].ages, t->store->ages[kind], &k, &none, 0));
}

bool store_put_both(struct store_txn *t, unsigned kind, struct span key, struct span front,
                    struct span value, double until)
{
    if (!can_have(t, kind, key))
        return false;
    forget_last(t, kind);
    drop_age(t, kind, key);
    return put(t, kind, key, (struct span[]){front, value}, until, 0);
}

bool store_put(struct store_txn *t, unsigned kind, struct span key, struct span value, double until)
{
    return store_put_both(t, kind, key, SPAN(""), value, until);
}

bool store_add(struct store_txn *t, unsigned kind, struct span key, struct span value, double until)
{
    return can_have(t, kind, key) &&
           put(t, kind, key, (struct span[]){SPAN(""), value}, until, MDB_NOOVERWRITE);
}

bool store_get_until(struct store_txn *t, unsigned kind, struct span key, struct span *value,
                     double *until)
{
    MDB_val k = val(key), v;

    if (!can_have(t, kind, key) || !went_well(t, mdb_get(t->txn, t->store->values[kind], &k, &v)) ||
        v.mv_size < AGE)
        return false;
    *until = get_age(v.mv_data);
    *value = span_after((struct span){v.mv_data, v.mv_size}, AGE);
    return true;
}

bool store_get(struct store_txn *t, unsigned kind, struct span key, struct span *value)
{
    double until;

    return store_get_until(t, kind, key, value, &until);
}

bool store_drop(struct store_txn *t, unsigned kind, struct span key)
{
    MDB_val k = val(key);

    if (!can_have(t, kind, key))
        return false;
    forget_last(t, kind);
    drop_age(t, kind, key);
    return went_well(t, mdb_del(t->txn, t->store->values[kind], &k, NULL));
}

size_t store_count(struct store_txn *t, unsigned kind)
{
    MDB_stat stat = {0};

    if (!t->failed && kind < t->store->kinds)
        went_well(t, mdb_stat(t->txn, t->store->values[kind], &stat));
    return stat.ms_entries;
}

static size_t pages(struct store_txn *t, MDB_dbi table)
{
    MDB_stat stat = {0};

    went_well(t, mdb_stat(t->txn, table, &stat));
    return (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages) * stat.ms_psize;
}

size_t store_size(struct store_txn *t, unsigned kind)
{
    if (t->failed || kind >= t->store->kinds)
        return 0;
    return pages(t, t->store->values[kind]) + pages(t, t->store->ages[kind]);
}

void store_walk_from(struct store_txn *t, unsigned kind, struct span first, store_walk_fn *fn,
                     void *arg)
{
    MDB_val k = val(first), v;
    MDB_cursor *c;
    int error;

    if (t->failed || kind >= t->store->kinds || first.len > KEY_MAX ||
        !went_well(t, mdb_cursor_open(t->txn, t->store->values[kind], &c)))
        return;
    error = mdb_cursor_get(c, &k, &v, first.len > 0 ? MDB_SET_RANGE : MDB_FIRST);
    while (error == 0 && v.mv_size >= AGE &&
           fn(arg, (struct span){k.mv_data, k.mv_size},
              span_after((struct span){v.mv_data, v.mv_size}, AGE)))
        error = mdb_cursor_get(c, &k, &v, MDB_NEXT);
    went_well(t, error);
    mdb_cursor_close(c);
}

void store_walk(struct store_txn *t, unsigned kind, store_walk_fn *fn, void *arg)
{
    store_walk_from(t, kind, SPAN(""), fn, arg);
}

/* The key that is past its time the longest. */
static bool find_stale(struct store_txn *t, unsigned kind, const unsigned char now[AGE],
                       unsigned char key[AGE + KEY_MAX], size_t *len)
{
    MDB_val k, v;
    MDB_cursor *c;
    int error;

    if (t->failed || !went_well(t, mdb_cursor_open(t->txn, t->store->ages[kind], &c)))
        return false;
    error = mdb_cursor_get(c, &k, &v, MDB_FIRST);
    if (error == 0 && k.mv_size > AGE && k.mv_size <= AGE + KEY_MAX &&
        memcmp(k.mv_data, now, AGE) <= 0)
        memcpy(key, k.mv_data, *len = k.mv_size);
    else
        error = error ? error : MDB_NOTFOUND;
    mdb_cursor_close(c);
    return went_well(t, error);
}

size_t store_expire(struct store_txn *t, unsigned kind, double now, size_t count)
{
    unsigned char age[AGE], key[AGE + KEY_MAX];
    size_t done = 0, len = 0;

    if (kind >= t->store->kinds)
        return 0;
    put_age(age, now);
    if (isinf(now))
        memset(age, 0xff, sizeof age);
    while (done < count && find_stale(t, kind, age, key, &len) &&
           store_drop(t, kind, (struct span){(char *)key + AGE, len - AGE}))
        done++;
    return done;
}
