/* SPDX-License-Identifier: Apache-2.0 */
#include "join.h"

#include "asks.h"
#include "smtp/reply.h"

static struct guest guest(const struct relay *r, struct tls_facts *room)
{
    return (struct guest){
        .identity = r->house->identity,
        .client = r->who,
        .listener = r->where,
        .helo = r->helo ? r->helo : r->house->host_name,
        .extended = r->extended,
        .tls = facts_of(r->tls, room),
        .session = r->session,
        .tlvs = r->tlvs,
        .use_tls = r->house->use_tls,
    };
}

void join_keep_said(struct relay *r, struct span reply)
{
    char flat[256];
    size_t len = reply_flat(flat, sizeof flat, reply);

    relay_keep(&r->said, (struct span){flat, len});
}

/* May another connection take the place of this one? What was asked there and not answered
 * nobody has any more, and what a login opened is closed elsewhere. */
static bool can_move(const struct relay *r)
{
    switch (r->stage) {
    case STAGE_CALLED:
    case STAGE_INTRO:
        return r->spare;
    case STAGE_OPEN:
        return dial_waits(&r->backend) == 0 && !r->authenticated &&
               !envelope_is_busy(&r->envelope) && !serve_awaits_message(&r->client) &&
               serve_body(&r->client).len == 0 && r->client.hear != HEAR_RESPONSE;
    case STAGE_GONE:
        return true;
    case STAGE_NONE:
    case STAGE_LEAVING:
        break;
    }
    return false;
}

static void move_on(struct relay *r)
{
    r->stage = STAGE_GONE;
    dial_clear(&r->backend);
    dial_init(&r->backend);
}

void relay_lost(struct relay *r, enum reason why)
{
    if (r->why == REASON_NOT_YET && can_move(r))
        move_on(r);
    else
        relay_end_421(r, why, "Mail server not available, try again later");
}

static void learn(struct relay *r, struct span reply)
{
    relay_keep(&r->live, reply);
    relay_forget(&r->said); /* of a server before this one */
    r->offers = ehlo_read(reply);
    r->stage = STAGE_OPEN;
    r->wish = RELAY_LEARN;
    if (!r->live)
        relay_end_421(r, REASON_NO_MEMORY, "Out of memory");
}

/* Is that answer to EHLO about what the client calls itself? Anybody can call himself anything, and
 * it must not alarm us. What has not taken the identity says 500, 502, 503 or 554. */
static bool is_about_name(int code)
{
    return code == 501 || code == 504 || code == 550 || code == 553 || code / 100 == 4;
}

void join_heard(struct relay *r, const struct heard *h)
{
    struct tls_facts tls;
    const struct guest who = guest(r, &tls);
    struct span rest = h->text, line = span_cut(&rest, '\r');
    struct span name = line.len > 4 ? span_after(line, 4) : SPAN("");
    bool asked_xclient = r->intro == INTRO_XCLIENT;

    if (r->intro == INTRO_GREETING)
        relay_keep(&r->name, span_cut(&name, ' '));

    enum intro_verdict verdict = intro_heard(&r->intro, &r->backend, &who, h);

    if (verdict == INTRO_GOES_ON)
        return;
    if (verdict == INTRO_DONE) {
        learn(r, h->text);
        return;
    }
    join_keep_said(r, h->text);
    if ((verdict == INTRO_TURNED_AWAY || h->code == 421) && h->code < 500 && can_move(r)) {
        move_on(r);
        return;
    }
    switch (verdict) {
    case INTRO_GOES_ON:
    case INTRO_DONE:
        break;
    case INTRO_TURNED_AWAY:
        relay_end(r, REASON_REFUSED, h->text);
        break;
    case INTRO_NO_TLS:
        relay_lost(r, REASON_BACKEND_TLS);
        break;
    case INTRO_REFUSED:
        relay_end_421(r,
                      !asked_xclient && is_about_name(h->code) ? REASON_REFUSED : REASON_IDENTITY,
                      "Mail server is not ready for us");
        break;
    }
}

void join_broken(struct relay *r)
{
    join_keep_said(r, buf_peek(&r->backend.in));
    if (r->stage == STAGE_OPEN)
        relay_end_421(r, REASON_BACKEND_BROKEN, "Mail server not available, try again later");
    else
        relay_lost(r, REASON_BACKEND_BROKEN);
}

/* Nobody asked: a 421 is how a server says that it closes (RFC 5321, 3.8), and comes before the
 * end of file. Any other is no server to go on with. */
void join_unasked(struct relay *r, struct span said)
{
    static const char closing[] = "421";
    size_t len = said.len < sizeof closing - 1 ? said.len : sizeof closing - 1;

    if (memcmp(said.at, closing, len) != 0 || said.len > DIAL_REPLY_MAX)
        join_broken(r);
    else if (memchr(said.at, '\n', said.len)) {
        join_keep_said(r, said);
        relay_lost(r, REASON_REFUSED);
    }
}

void relay_connected(struct relay *r)
{
    struct tls_facts tls;
    const struct guest who = guest(r, &tls);

    r->stage = STAGE_INTRO;
    if (!intro_begin(&r->intro, &r->backend, &who))
        relay_end_421(r, REASON_IDENTITY, "Mail server is not ready for us");
}

void relay_backend_secured(struct relay *r)
{
    struct tls_facts tls;
    const struct guest who = guest(r, &tls);

    if (!intro_secured(&r->intro, &r->backend, &who))
        relay_lost(r, REASON_BACKEND_TLS);
}

void relay_dropped(struct relay *r)
{
    dial_clear(&r->backend);
    dial_init(&r->backend);
    relay_forget(&r->live);
    relay_forget(&r->name);
    relay_forget(&r->objection);
    r->stage = STAGE_NONE;
}

bool relay_shakes_backend(const struct relay *r)
{
    return r->stage == STAGE_INTRO && r->intro == INTRO_SHAKING;
}
