/* SPDX-License-Identifier: Apache-2.0
 *
 * table - entries for the session table whose halves can be told apart, and a file to put them in.
 */
#pragma once

#include "t/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "keep/table.h"
#include "t/lib/ca.h"

static char path[128];

static inline struct table *make(unsigned parts, unsigned entries)
{
    char why[256] = "";
    struct table *t = table_make(path, parts, entries, (gid_t)-1, why, sizeof why);

    assert_string_equal("", why);
    assert_non_null(t);
    return t;
}

static inline struct table *open_it(void)
{
    char why[256] = "";
    struct table *t = table_open(path, why, sizeof why);

    assert_string_equal("", why);
    assert_non_null(t);
    return t;
}

static inline struct table_key key_of(unsigned n)
{
    struct table_key k = {.client.port = (uint16_t)n, .server.port = 25};

    memcpy(k.client.ip, &n, sizeof n);
    return k;
}

/* Every byte of its texts tells `n` and `turn`, so a mixture of two shows. */
static inline struct table_entry entry_of(unsigned n, unsigned turn)
{
    struct table_entry e = {
        .secure = true, .client.port = (uint16_t)n, .tls.bits = (int)(n + turn)};

    memset(e.session.text, 'a' + (int)(turn % 26), sizeof e.session.text - 1);
    memset(e.rule, 'a' + (int)(turn % 26), sizeof e.rule - 1);
    memset(e.tls.peer_subject, 'a' + (int)(turn % 26), sizeof e.tls.peer_subject - 1);
    return e;
}

static inline bool is_whole(const struct table_entry *e, unsigned n)
{
    struct table_entry like = entry_of(n, (unsigned)(e->tls.bits - (int)n));

    return memcmp(&like.session, &e->session, sizeof like.session) == 0 &&
           memcmp(like.rule, e->rule, sizeof like.rule) == 0 && e->client.port == (uint16_t)n &&
           memcmp(&like.tls.peer_subject, e->tls.peer_subject, sizeof like.tls.peer_subject) == 0;
}

static inline bool put(struct table *t, unsigned part, unsigned n, unsigned turn)
{
    const struct table_key k = key_of(n), keys[] = {k, k};
    struct table_entry e = entry_of(n, turn);

    return table_put(t, part, keys, &e);
}

/* -1: not there; -2: half of it; else its turn. */
static inline int find(const struct table *t, unsigned n)
{
    struct table_key k = key_of(n);
    struct table_entry e;

    if (!table_find(t, &k, &e))
        return -1;
    if (!is_whole(&e, n))
        return -2;
    return e.tls.bits - (int)n;
}

static inline void drop(struct table *t, unsigned part, unsigned n)
{
    struct table_key k = key_of(n);

    table_drop(t, part, &k, NULL);
}

static inline int set_up(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "%s/table", ca_folder());
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    ca_sweep();
    return 0;
}
