/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/checks.h"

#include <stdio.h>

#include "behind/probe.h"
#include "conf/conf.h"
#include "conf/kinds.h"

/* Seconds for each answer: a person waits. */
enum { PATIENCE = 10 };

struct asked {
    struct event_base *base;
    struct probed *found;
};

static void on_probed(void *arg, const struct probed *found)
{
    struct asked *a = arg;

    *a->found = *found;
    event_base_loopbreak(a->base);
}

/* Somebody who is nobody's neighbour (RFC 5737, RFC 3849). */
static struct guest stranger(const struct target *t, bool v6)
{
    struct guest g = {.identity = (enum identity)t->backend->identity,
                      .helo = t->settings->host_name,
                      .extended = true,
                      .session = "",
                      .use_tls = (enum backend_tls)t->backend->use_tls};

    if (!addr_read_port(v6 ? SPAN("[2001:db8::1]:25000") : SPAN("192.0.2.1:25000"), &g.client) ||
        !addr_read_port(v6 ? SPAN("[2001:db8::25]:25") : SPAN("192.0.2.25:25"), &g.listener))
        g.client.port = 0; /* they are addresses */
    return g;
}

static bool ask(const struct target *t, bool v6, struct probed *out)
{
    struct asked a = {loop_new(), out};
    const struct probe_plan plan = {
        .to = {.backend = t->backend, .server = t->server, .tls = t->tls},
        .who = stranger(t, v6),
        .patience = PATIENCE};
    struct probe *p = a.base ? probe_new(a.base, &plan, on_probed, &a) : NULL;

    bool asked = p != NULL;

    if (asked)
        event_base_dispatch(a.base);
    else
        finding_plain(t->findings, FINDING_NO_MEMORY, t->where);
    probe_free(&p);
    if (a.base)
        event_base_free(a.base);
    return asked;
}

/* "RCPT TO:<...>: 250 Ok, as 192.0.2.1 by identity proxy-v2" */
static void tell(const struct target *t, bool v6, const struct probed *found)
{
    const struct option *identity = conf_find(kinds[KIND_BACKEND].options, "identity");
    const char *as = t->backend->identity == IDENTITY_NONE ? ""
                     : v6                                  ? "as 2001:db8::1 by "
                                                           : "as 192.0.2.1 by ";
    bool safe = found->verdict == VERDICT_SAFE, is_of_rcpt = *found->asked;
    char detail[900];

    snprintf(detail, sizeof detail, "%s%s%s%s, %sidentity %.*s", is_of_rcpt ? "RCPT TO:<" : "",
             safe && is_of_rcpt ? "probe@..." : found->asked, is_of_rcpt ? ">: " : "", found->said,
             as, SPAN_ARG(option_word(identity, t->backend->identity)));
    finding_say(t->findings, safe ? SEVERITY_OK : SEVERITY_ERROR, t->where,
                verdict_what(found->verdict), detail,
                safe ? NULL : verdict_remedy(found->verdict, (enum identity)t->backend->identity));
}

/* Does a listener take clients of this family for it? Where none is its own, IPv4 will do. Whom
 * the network shows has the server's. */
static bool has_clients(const struct target *t, bool v6)
{
    const struct settings *s = t->settings;
    bool any = false;

    if (t->backend->identity == IDENTITY_TRANSPARENT)
        return v6 != addr_is_v4(&t->at);

    for (size_t i = 0; i < s->smtp_listener_count; i++) {
        const struct smtp_listener *l = &s->smtp_listeners[i];

        if (settings_backend(s, l) != t->backend)
            continue;
        if (addr_is_v4(&l->at) != v6)
            return true;
        any = true;
    }
    return !v6 && !any;
}

static void look_around(const struct target *t, const struct probed *found)
{
    if (found->taken) {
        auth_check(t, found);
        if (found->takes_anybody)
            finding_add(t->findings, FINDING_TAKES_ANYBODY, t->where, "%s", found->name);
        if (found->has_starttls)
            finding_plain(t->findings, FINDING_STARTTLS, t->where);
    }
    if (t->server->path)
        return; /* no port, so nobody from outside */
    outside_check(t);
    if (found->is_postfix && outside_is_here(&t->at))
        postfix_check(t);
}

void server_check(const struct target *t)
{
    struct probed found;
    bool is_first = true;

    for (int v6 = 0; v6 <= 1; v6++) {
        /* Of nobody else's address than ours there is but one. */
        bool is_alike = t->backend->identity == IDENTITY_NONE && !is_first;

        if (is_alike || !has_clients(t, v6) || !ask(t, v6, &found))
            continue;
        tell(t, v6, &found);
        if (is_first && found.verdict != VERDICT_UNREACHED)
            look_around(t, &found);
        is_first = false;
    }
}
