/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/upstream.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "way/route.h"

enum { ABOUT_MOST = 2048 };

/* Its next owner will hear what came. */
static void nobody(void *upstream)
{
    struct upstream *up = upstream;

    watch_want(&up->watch, -1, 0);
}

struct upstream *upstream_new(struct event_base *base)
{
    struct upstream *up = calloc(1, sizeof *up);

    if (!up)
        return NULL;
    up->base = base;
    up->born = clock_mono();
    conn_init(&up->conn, -1);
    dial_init(&up->dial);
    buf_init(&up->about, ABOUT_MOST);
    watch_init(&up->watch, base, nobody, up);
    alarm_init(&up->alarm, base, nobody, up);
    return up;
}

void upstream_describe(struct upstream *up, const struct candidate *to, const struct domain *rule,
                       const struct demand *demand)
{
    up->remote = (struct remote){.rule = rule->head.title,
                                 .client_cert = "",
                                 .demand = *demand,
                                 .at = to->at,
                                 .session = id_next()};
    up->remote.unwritten = rule->disable_acct_records;
    if (rule->smtp_client_certificate.count > 0)
        up->remote.client_cert = rule->smtp_client_certificate.at[0].file;
    text_copy(up->remote.name, sizeof up->remote.name, span_of(to->name));
}

void upstream_free(struct upstream **at)
{
    struct upstream *up = *at;

    if (!up)
        return;
    *at = NULL;
    watch_want(&up->watch, -1, 0);
    alarm_stop(&up->alarm);
    conn_clear(&up->conn);
    dial_clear(&up->dial);
    buf_clear(&up->about);
    if (up->quota)
        up->give_back(up->quota);
    free(up);
}

void upstream_own(struct upstream *up, watch_fn *fn, watch_fn *late, void *arg)
{
    watch_pass(&up->watch, fn, arg);
    alarm_stop(&up->alarm);
    alarm_init(&up->alarm, up->base, late, arg);
}

void upstream_rest(struct upstream *up)
{
    watch_pass(&up->watch, nobody, up);
}

enum conn_got upstream_pull(struct upstream *up, size_t *moved)
{
    enum conn_got got = CONN_SOME;

    while (got == CONN_SOME) {
        char *at;
        size_t len = 0, size = dial_space(&up->dial, &at);

        if (size == 0)
            return CONN_SOME;
        got = conn_read(&up->conn, at, size, &len);
        dial_grew(&up->dial, got == CONN_SOME ? len : 0);
        *moved += len;
        if (got == CONN_SOME && conn_is_drained(&up->conn, got))
            return CONN_LATER;
    }
    return got;
}

void upstream_pull_rest(struct upstream *up, size_t *moved)
{
    char *at;
    size_t size = dial_space(&up->dial, &at), len = size ? conn_read_rest(&up->conn, at, size) : 0;

    dial_grew(&up->dial, len);
    *moved += len;
}

enum conn_got upstream_push(struct upstream *up, size_t *moved)
{
    for (;;) {
        struct span pieces[DIAL_PIECES];
        size_t len = 0, count = dial_pieces(&up->dial, SPAN(""), pieces);

        if (count == 0 && !conn_owes(&up->conn))
            return CONN_SOME;
        enum conn_got got = conn_write(&up->conn, pieces, count, &len);

        (void)dial_went(&up->dial, SPAN(""), len);
        *moved += len;
        if (got != CONN_SOME)
            return got;
    }
}
