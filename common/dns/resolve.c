/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/resolve.h"

#include <stdio.h>
#include <stdlib.h>

#include <unbound-event.h>
#include <unbound.h>

#include "net/loop.h"

struct resolve {
    struct ub_ctx *context;
};

struct asked {
    resolve_fn *fn;
    void *arg;
};

/* What is set before the first question; ub_ctx_zone_add() comes last, since it ends that. */
static int configure(struct ub_ctx *c, const struct texts *servers)
{
    static const char *const options[][2] = {
        {"do-not-query-localhost:", "no"}, /* a forwarder on this machine is the usual thing */
        {"module-config:", "iterator"},    /* nothing is validated yet */
    };
    static const char *const real[] = {"test", "invalid"}; /* else answered by libunbound itself */
    int error = 0;

    for (size_t i = 0; i < COUNT_OF(options) && !error; i++)
        error = ub_ctx_set_option(c, options[i][0], options[i][1]);
    for (size_t i = 0; i < servers->count && !error; i++)
        error = ub_ctx_set_fwd(c, servers->at[i]);
    for (size_t i = 0; i < COUNT_OF(real) && !error; i++)
        error = ub_ctx_zone_add(c, real[i], "nodefault");
    return error;
}

struct resolve *resolve_new(struct event_base *base, const struct texts *servers, char *why,
                            size_t size)
{
    struct resolve *r = calloc(1, sizeof *r);
    int error = 0;

    if (r && (r->context = ub_ctx_create_event(base)) &&
        (error = configure(r->context, servers)) == 0)
        return r;
    snprintf(why, size, "libunbound: %s", error ? ub_strerror(error) : "no memory");
    resolve_free(&r);
    return NULL;
}

void resolve_free(struct resolve **r)
{
    if (!*r)
        return;
    if ((*r)->context)
        ub_ctx_delete((*r)->context);
    free(*r);
    *r = NULL;
}

static void on_answer(void *arg, int rcode, void *packet, int len, int secure, char *why,
                      int was_limited)
{
    struct asked *asked = arg;
    struct span message = {packet, packet && len > 0 ? (size_t)len : 0};

    (void)secure;
    (void)why;
    (void)was_limited;
    /* Where there is a message, its own rcode counts: the argument is then 0. */
    if (rcode == 0)
        rcode = message.len > 3 ? message.at[3] & 0x0f : -1;
    if (rcode == 0)
        asked->fn(asked->arg, RESOLVED_NAMED, message);
    else
        asked->fn(asked->arg, rcode == DNS_NXDOMAIN ? RESOLVED_ABSENT : RESOLVED_UNKNOWN, SPAN(""));
    free(asked);
}

void resolve_ask(struct resolve *r, const char *name, enum dns_type type, resolve_fn *fn, void *arg)
{
    struct asked *asked = malloc(sizeof *asked);
    int id;

    if (asked) {
        *asked = (struct asked){.fn = fn, .arg = arg};
        if (ub_resolve_event(r->context, name, (int)type, 1, asked, on_answer, &id) == 0)
            return;
    }
    free(asked);
    fn(arg, RESOLVED_UNKNOWN, SPAN(""));
}
