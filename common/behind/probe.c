/* SPDX-License-Identifier: Apache-2.0 */
#include "behind/probe.h"

#include <stdlib.h>

struct probe {
    struct probe_plan plan;
    probe_fn *tell;
    void *arg;
    struct wire wire; /* closed: it is not asking */
    struct alarm alarm;
    struct probing probing;
};

static void hang_up(struct probe *p)
{
    wire_clear(&p->wire);
    probing_clear(&p->probing);
}

static void end(struct probe *p)
{
    const struct probed found = p->probing.found;
    double next = found.verdict == VERDICT_SAFE ? p->plan.every : p->plan.again;

    hang_up(p);
    if (next > 0)
        alarm_set(&p->alarm, next);
    else
        alarm_stop(&p->alarm);
    p->tell(p->arg, &found);
}

/* It has closed, or has nothing to say. */
static void end_early(struct probe *p, enum verdict verdict, const char *why)
{
    bool silent = p->wire.up && !p->probing.found.greeted && !probing_shakes(&p->probing);

    probing_end(&p->probing, silent ? VERDICT_NO_GREETING : verdict, why);
    end(p);
}

static void wait_for(struct probe *p, unsigned long limit)
{
    alarm_set(&p->alarm, p->plan.patience < (double)limit ? p->plan.patience : (double)limit);
}

/* Each question has its own time. */
static void wait_for_reply(struct probe *p)
{
    wait_for(p, p->plan.to.backend->reply_timeout);
}

/* False: it is over. */
static bool hear(struct probe *p)
{
    if (!probing_goes_on(&p->probing)) {
        wire_leave(&p->wire);
        end(p);
        return false;
    }
    if (buf_len(&p->probing.dial.out) > 0)
        wait_for_reply(p);
    return true;
}

static bool shaken(struct probe *p)
{
    if (!probing_secured(&p->probing)) {
        end_early(p, VERDICT_NO_TLS, "");
        return false;
    }
    wait_for_reply(p);
    return true;
}

static void lost(struct probe *p)
{
    end_early(p,
              !p->wire.up                   ? VERDICT_UNREACHED
              : probing_shakes(&p->probing) ? VERDICT_NO_TLS
                                            : VERDICT_CLOSED,
              p->wire.why);
}

static void on_ready(void *arg)
{
    struct probe *p = arg;

    for (;;) {
        switch (wire_step(&p->wire, probing_shakes(&p->probing))) {
        case WIRE_LATER:
            return;
        case WIRE_UP:
            wait_for_reply(p);
            break;
        case WIRE_HEARD:
            if (!hear(p))
                return;
            break;
        case WIRE_SECURE:
            if (!shaken(p))
                return;
            break;
        case WIRE_LOST:
            lost(p);
            return;
        }
    }
}

/* From the client's own address where that is how it is shown. */
static void begin(struct probe *p)
{
    const struct guest *who = &p->plan.who;

    p->wire.up = false;
    if (!probing_init(&p->probing, who)) {
        end_early(p, VERDICT_FOREIGN, "the header does not fit");
        return;
    }
    wait_for(p, p->plan.to.backend->connect_timeout);
    if (!wire_dial(&p->wire, who->identity == IDENTITY_TRANSPARENT ? &who->client : NULL))
        end_early(p, VERDICT_UNREACHED, p->wire.why);
}

static void on_time(void *arg)
{
    struct probe *p = arg;

    if (p->wire.conn.fd < 0)
        begin(p);
    else
        end_early(p, p->wire.up ? VERDICT_SLOW : VERDICT_UNREACHED, "no answer in time");
}

struct probe *probe_new(struct event_base *base, const struct probe_plan *plan, probe_fn *tell,
                        void *arg)
{
    struct probe *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    *p = (struct probe){.plan = *plan, .tell = tell, .arg = arg};
    dial_init(&p->probing.dial);
    wire_init(&p->wire, base, &plan->to, &p->probing.dial, on_ready, p);
    alarm_init(&p->alarm, base, on_time, p);
    alarm_set(&p->alarm, 0);
    return p;
}

void probe_free(struct probe **p)
{
    if (!*p)
        return;
    alarm_stop(&(*p)->alarm);
    hang_up(*p);
    free(*p);
    *p = NULL;
}
