/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/resource.h>

#include <unbound-event.h>
#include <unbound.h>

#include "net/loop.h"

struct resolve {
    struct ub_ctx *context;
    LIST_HEAD(, asked) open;
};

struct asked {
    LIST_ENTRY(asked) link;
    resolve_fn *fn;
    void *arg;
};

enum { PORTS_MOST = 4096, PORTS_LEAST = 16 };

/* How many questions may be on their way at a time, a socket each; what is more waits, and who
 * waits behind names whose servers are silent waits long. libunbound's own 16 are for a tool. */
static unsigned ports(void)
{
    struct rlimit files;
    rlim_t share = getrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_cur / 4 : 0;

    return share > PORTS_MOST ? PORTS_MOST : share < PORTS_LEAST ? PORTS_LEAST : (unsigned)share;
}

/* What is set before the first question; ub_ctx_zone_add() comes last, since it ends that, and only
 * then are the anchors read. */
static int configure(struct ub_ctx *c, const struct resolve_conf *conf)
{
    bool validates = conf->anchors && *conf->anchors;
    char range[16];
    const char *const options[][2] = {
        {"do-not-query-localhost:", "no"}, /* a forwarder on this machine is the usual thing */
        {"module-config:", validates ? "validator iterator" : "iterator"},
        {"outgoing-range:", range},
        {"outgoing-num-tcp:", "64"}, /* likewise, where an answer is too large for UDP */
        /* After half a minute of silence about some names a forwarder would be dead for a quarter
         * of an hour, for all names: whoever has such names would have that in his hand. */
        {"infra-host-ttl:", "10"},
        {"msg-cache-size:", "16m"}, /* ceilings; the cache is all workers' */
        {"rrset-cache-size:", "32m"},
        {"key-cache-size:", "4m"},
        {"neg-cache-size:", "4m"},
    };
    static const char *const real[] = {"test", "invalid"}; /* else answered by libunbound itself */
    int error = 0;

    snprintf(range, sizeof range, "%u", ports());
    for (size_t i = 0; i < COUNT_OF(options) && !error; i++)
        error = ub_ctx_set_option(c, options[i][0], options[i][1]);
    for (size_t i = 0; i < conf->servers.count && !error; i++)
        error = ub_ctx_set_fwd(c, conf->servers.at[i]);
    if (validates && !error)
        error = ub_ctx_add_ta_file(c, conf->anchors);
    for (size_t i = 0; i < COUNT_OF(real) && !error; i++)
        error = ub_ctx_zone_add(c, real[i], "nodefault");
    return error;
}

static bool set_up(struct ub_ctx *c, const struct resolve_conf *conf, char *why, size_t size)
{
    int error = c ? configure(c, conf) : UB_NOMEM;

    if (error == UB_INITFAIL && conf->anchors && *conf->anchors)
        snprintf(why, size,
                 "trust-anchor-file %s: no trust anchors can be read from it; use "
                 "Debian's /usr/share/dns/root.key (package dns-root-data)",
                 conf->anchors);
    else if (error)
        snprintf(why, size, "libunbound: %s", ub_strerror(error));
    return error == 0;
}

bool resolve_check(const struct resolve_conf *conf, char *why, size_t size)
{
    struct ub_ctx *c = ub_ctx_create();
    bool ok = set_up(c, conf, why, size);

    if (c)
        ub_ctx_delete(c);
    return ok;
}

struct resolve *resolve_new(struct event_base *base, const struct resolve_conf *conf, char *why,
                            size_t size)
{
    struct resolve *r = calloc(1, sizeof *r);

    if (r)
        r->context = ub_ctx_create_event(base);
    if (!set_up(r ? r->context : NULL, conf, why, size))
        resolve_free(&r);
    return r;
}

static void settle(struct asked *asked, enum resolved how, bool secure, struct span message)
{
    LIST_REMOVE(asked, link);
    asked->fn(asked->arg, how, secure, message);
    free(asked);
}

void resolve_free(struct resolve **r)
{
    if (!*r)
        return;
    if ((*r)->context)
        ub_ctx_delete((*r)->context);
    (*r)->context = NULL;
    while (!LIST_EMPTY(&(*r)->open))
        settle(LIST_FIRST(&(*r)->open), RESOLVED_UNKNOWN, false, SPAN(""));
    free(*r);
    *r = NULL;
}

/* libunbound's word for `secure`. */
enum { INSECURE, BOGUS, SECURE };

static enum resolved how_of(int rcode, int secure)
{
    if (secure == BOGUS)
        return RESOLVED_BOGUS;
    if (rcode == 0)
        return RESOLVED_NAMED;
    return rcode == DNS_NXDOMAIN ? RESOLVED_ABSENT : RESOLVED_UNKNOWN;
}

static void on_answer(void *arg, int rcode, void *packet, int len, int secure, char *why,
                      int was_limited)
{
    struct asked *asked = arg;
    struct span message = {packet, packet && len > 0 ? (size_t)len : 0};
    enum resolved how;

    (void)why;
    (void)was_limited;
    /* Where there is a message, its own rcode counts: the argument is then 0. */
    if (rcode == 0)
        rcode = message.len > 3 ? message.at[3] & 0x0f : -1;
    how = how_of(rcode, secure);
    settle(asked, how, secure == SECURE && how <= RESOLVED_ABSENT,
           how <= RESOLVED_ABSENT ? message : SPAN(""));
}

void resolve_ask(struct resolve *r, const char *name, enum dns_type type, resolve_fn *fn, void *arg)
{
    struct asked *asked = r->context ? malloc(sizeof *asked) : NULL;
    int id;

    if (asked) {
        *asked = (struct asked){.fn = fn, .arg = arg};
        LIST_INSERT_HEAD(&r->open, asked, link);
        if (ub_resolve_event(r->context, name, (int)type, 1, asked, on_answer, &id) == 0)
            return;
        LIST_REMOVE(asked, link);
    }
    free(asked);
    fn(arg, RESOLVED_UNKNOWN, false, SPAN(""));
}
