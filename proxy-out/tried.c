/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/tried.h"

#include "tell/log.h"

void tried_fail(const struct seek *k)
{
    char at[ADDR_TEXT], demand[DEMAND_TEXT];

    if (log_is_on(LOG_SESSION))
        log_say(LOG_SESSION, k->session, "not-reached", {"why", span_of(fail_word(k->fail))},
                {"domain", span_of(k->domain)}, {"server", span_of(k->remote.name)},
                {"address", span_of(addr_port_text(&k->remote.at, at))},
                {"tls", span_of(demand_text(&k->demand, demand))},
                {"by", span_of(demand_by(k->remote.by, k->rule))},
                {"said", span_of(k->remote.said)});
}

void tried_noted(const struct seek *k, const struct remote *remote)
{
    if (remote->noted != FAIL_NOT && log_is_on(LOG_SESSION))
        log_say(LOG_SESSION, k->session, "would-refuse", {"why", span_of(fail_word(remote->noted))},
                {"domain", span_of(k->domain)}, {"server", span_of(remote->name)},
                {"by", span_of(demand_by(remote->noted_by, k->rule))});
}
