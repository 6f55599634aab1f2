/* SPDX-License-Identifier: Apache-2.0 */
#include "t/lib/pooled.h"

#include <sys/socket.h>

#include "base/text.h"
#include "net/loop.h"
#include "t/unit/unit.h"

enum { TURNS = 20 };

void pooled_turn(struct event_base *base)
{
    for (unsigned i = 0; i < TURNS; i++)
        (void)event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

int pooled_make(struct event_base *base, struct pool *p, const char *domain, struct upstream **out)
{
    struct upstream *up = upstream_new(base);
    struct heard h;
    int ends[2];

    assert_non_null(up);
    assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends));
    conn_init(&up->conn, ends[0]);
    assert_true(dial_feed(&up->dial, SPAN("220 mx\r\n")));
    assert_int_equal(1, dial_next(&up->dial, &h));
    text_copy(up->key, sizeof up->key, SPAN("key"));
    up->give_back = quota_leave;
    up->quota = quota_enter(pool_quotas(p), domain, 1);
    assert_non_null(up->quota);
    *out = up;
    return ends[1];
}
