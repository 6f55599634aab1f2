/* SPDX-License-Identifier: Apache-2.0 */
#include "balancer.h"

#include "net/head.h"

enum phase balancer_step(struct session *s)
{
    const struct addr own = s->relay.who, here = s->relay.where;
    struct head_said said;

    switch (head_hear(&s->client.conn, &s->head, &said, &s->broke)) {
    case 0:
        return PHASE_HEAD;
    case 1:
        s->broke = NULL;
        return session_introduce(s, said.local ? &own : &said.client,
                                 said.local ? &here : &said.server);
    }
    /* Without a word: it is not known whom it would be said to. */
    s->relay.why = s->broke ? REASON_HEAD : REASON_CLIENT_LEFT;
    return PHASE_OVER;
}
