/* SPDX-License-Identifier: Apache-2.0 */
#include "take.h"

#include "asks.h"

bool take_backend(struct relay *r)
{
    if (r->stage == STAGE_NONE) {
        r->stage = STAGE_CALLED;
        r->wish = RELAY_CONNECT;
    }
    return r->stage == STAGE_OPEN;
}

bool take_listens(const struct relay *r)
{
    return dial_waits(&r->backend) == 0 || ehlo_has(&r->offers, EHLO_PIPELINING);
}

enum taken take_answer(struct relay *r, const struct request *q, struct span text)
{
    if (q->verb == VERB_BDAT || q->verb == VERB_LAST)
        serve_drop_chunk(&r->client);
    serve_answer(&r->client, q->ticket, text);
    return TAKEN;
}

enum taken take_refuse(struct relay *r, const struct request *q, struct span text)
{
    if (q->verb == VERB_MAIL || q->verb == VERB_STARTTLS || q->verb == VERB_AUTH)
        serve_count_idle(&r->client);
    return take_answer(r, q, text);
}

enum taken take_pass_with(struct relay *r, const struct request *q, unsigned used)
{
    char line[SERVE_AUTH_MAX + VERB_ROOM]; /* the longest argument */

    if (!take_backend(r) || !take_listens(r))
        return NOT_YET;
    if (used & r->shown & ~r->offers.has) {
        relay_end_421(r, REASON_LACKS, "Mail server no longer offers this");
        return NOT_YET;
    }
    return dial_ask(&r->backend, q->ticket, verb_line(q->verb, q->arg, line)) ? TAKEN : NOT_YET;
}

enum taken take_pass(struct relay *r, const struct request *q)
{
    return take_pass_with(r, q, rules_used(q->verb, SPAN("")));
}

/* Who said HELO was shown none, and uses them all the same: what the backend can do does no harm.
 */
unsigned take_extensions(const struct relay *r)
{
    return r->extended ? r->shown : r->offers.has;
}
