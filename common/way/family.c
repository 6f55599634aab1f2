/* SPDX-License-Identifier: Apache-2.0 */
#include "way/family.h"

#include <string.h>

#include "way/from.h"

bool family_is_v6_first(const struct own *own, const struct domain *rule)
{
    bool has_v4, has_v6;
    struct addr v4, v6;

    if (source_read(rule->source_address, &v4, &has_v4, &v6, &has_v6) && has_v4 != has_v6)
        return has_v6;
    for (size_t i = 0; i < own->address_count; i++)
        if (!addr_is_v4(&own->addresses[i]) && !addr_is_private(&own->addresses[i]))
            return true;
    return false;
}

static bool is_same_server(const struct candidate *a, const struct candidate *b)
{
    return a->name[0] && a->by == b->by && a->preference == b->preference &&
           strcmp(a->name, b->name) == 0;
}

/* Behind the last address of the server at `from`. */
static size_t end_of(const struct route *r, size_t from)
{
    size_t to = from + 1;

    while (to < r->count && is_same_server(&r->at[from], &r->at[to]))
        to++;
    return to;
}

static void move_up(struct route *r, size_t from, size_t to)
{
    struct candidate c = r->at[from];

    for (; from > to; from--)
        r->at[from] = r->at[from - 1];
    r->at[to] = c;
}

/* The next one of the wanted family to where it is its turn, until there is none of one. */
static void take_turns(struct route *r, size_t from, size_t to, bool v4)
{
    for (; from < to; from++, v4 = !v4) {
        size_t next = from;

        while (next < to && addr_is_v4(&r->at[next].at) != v4)
            next++;
        if (next == to)
            return;
        move_up(r, next, from);
    }
}

void family_order(struct route *r, bool v6_first)
{
    for (size_t at = 0, end; at < r->count; at = end) {
        end = end_of(r, at);
        take_turns(r, at, end, !v6_first);
        if (addr_is_v4(&r->at[at].at) == v6_first) /* there is none of the first */
            take_turns(r, at, end, v6_first);
    }
}

void family_put_back(struct route *r, family_down_fn *is_down, void *arg)
{
    for (size_t at = 0, end; at < r->count; at = end) {
        size_t up = at;

        end = end_of(r, at);
        for (size_t i = at; i < end && end - at > 1; i++)
            if (!is_down(arg, &r->at[i].at))
                move_up(r, i, up++);
    }
}

double family_patience(const struct route *r, size_t at, const struct domain *rule)
{
    double most = (double)rule->connect_timeout;
    size_t end = end_of(r, at);

    for (size_t i = at + 1; i < end && !addr_is_v4(&r->at[at].at); i++)
        if (addr_is_v4(&r->at[i].at))
            return most < FAMILY_QUICK ? most : FAMILY_QUICK;
    return most;
}
