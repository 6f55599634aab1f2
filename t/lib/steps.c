/* SPDX-License-Identifier: Apache-2.0
 *
 * What happens in a conversation besides what is said, and what is found to be so.
 *
 *   !connect  !no-connect the relay wants the mail server, and gets it or not; `spare` behind
 *                         it: there is another server
 *   !drop                 it wants to be rid of it again
 *   !gone                 the mail server closes the connection
 *   !backend-tls          the relay wants the handshake with the mail server, and it is done;
 *   !no-backend-tls       or it fails
 *   !tls                  the relay wants the handshake, and it is done
 *   !recorded from to...  this was recorded
 *   !granted 2            the relay holds room for 2 records
 *   !idle yes             nothing is under way: it may be sent away when all end
 *   !reported 2 require-auth    so many refusals, by these rules, were reported only
 *   !failures 2           so many tries to log in were counted
 *   !limit 60             the client has so many seconds for its next command
 *   !closed word          the session ended, for this reason (proxy-in/reason.def)
 *   !said text            the mail server's last words are logged so; none: nothing is
 *   !name it              the mail server calls itself so
 *   !quiet                nobody was told anything else, and no mail server is wanted
 */
#include "t/lib/stage.h"

#include <stdio.h>
#include <stdlib.h>

#include "t/unit/unit.h"

static bool wished(struct stage *st, enum relay_wish wish)
{
    if (st->wish != wish) {
        print_error("it wishes %d, not %d\n", st->wish, wish);
        return false;
    }
    st->wish = RELAY_WAIT;
    return true;
}

static bool connected(struct stage *st, const char *arg)
{
    if (!wished(st, RELAY_CONNECT))
        return false;
    st->relay.spare = strcmp(arg, "spare") == 0;
    relay_connected(&st->relay);
    return true;
}

static bool cannot_connect(struct stage *st, const char *arg)
{
    if (!wished(st, RELAY_CONNECT))
        return false;
    st->relay.spare = strcmp(arg, "spare") == 0;
    relay_lost(&st->relay, REASON_CONNECT);
    return true;
}

static bool dropped(struct stage *st, const char *arg)
{
    (void)arg;
    if (!wished(st, RELAY_DROP))
        return false;
    relay_dropped(&st->relay);
    return true;
}

static bool lost(struct stage *st, const char *arg)
{
    (void)arg;
    relay_lost(&st->relay, REASON_BACKEND_LEFT);
    return true;
}

static bool backend_secured(struct stage *st, const char *arg)
{
    (void)arg;
    if (!wished(st, RELAY_SECURE))
        return false;
    relay_backend_secured(&st->relay);
    return true;
}

static bool backend_not_secured(struct stage *st, const char *arg)
{
    (void)arg;
    if (!wished(st, RELAY_SECURE))
        return false;
    relay_lost(&st->relay, REASON_BACKEND_TLS);
    return true;
}

static bool secured(struct stage *st, const char *arg)
{
    (void)arg;
    if (!wished(st, RELAY_START_TLS))
        return false;
    relay_secured(&st->relay, stage_facts());
    return true;
}

static bool closed(struct stage *st, const char *arg)
{
    if (st->wish != RELAY_CLOSE || strcmp(reason_word(st->relay.why), arg) != 0) {
        print_error("wish %d, because %s\n", st->wish, reason_word(st->relay.why));
        return false;
    }
    return true;
}

static bool quiet(struct stage *st, const char *arg)
{
    (void)arg;
    return stage_is_quiet(st);
}

static bool same_text(const char *text, const char *want)
{
    if (strcmp(text ? text : "", want) == 0)
        return true;
    print_error("it is: %s\n", text ? text : "nothing");
    return false;
}

static bool recorded(struct stage *st, const char *arg)
{
    bool well = same_text(st->recorded, arg);

    st->recorded[0] = '\0';
    return well;
}

static bool said(struct stage *st, const char *arg)
{
    return same_text(st->relay.said, arg);
}

static bool name_is(struct stage *st, const char *arg)
{
    return same_text(st->relay.name, arg);
}

static bool granted(struct stage *st, const char *arg)
{
    return st->relay.granted == strtoul(arg, NULL, 10);
}

static bool idle(struct stage *st, const char *arg)
{
    return relay_is_idle(&st->relay) == (strcmp(arg, "yes") == 0);
}

static bool reported(struct stage *st, const char *arg)
{
    char text[REPORT_TEXT + 16], names[REPORT_TEXT];
    const struct reported *r = &st->relay.reported;

    snprintf(text, sizeof text, "%u %s", r->times, report_text(r->rules, names));
    return same_text(text, arg);
}

static bool failures(struct stage *st, const char *arg)
{
    return st->tries - relay_owes_pardon(&st->relay) == strtoul(arg, NULL, 10);
}

static bool limit(struct stage *st, const char *arg)
{
    return st->relay.rule.smtp_command_timeout == strtoul(arg, NULL, 10);
}

const struct step stage_steps[] = {
    {"connect", connected},
    {"no-connect", cannot_connect},
    {"drop", dropped},
    {"gone", lost},
    {"tls", secured},
    {"closed", closed},
    {"quiet", quiet},
    {"recorded", recorded},
    {"granted", granted},
    {"idle", idle},
    {"said", said},
    {"name", name_is},
    {"backend-tls", backend_secured},
    {"no-backend-tls", backend_not_secured},
    {"reported", reported},
    {"limit", limit},
    {"failures", failures},
    {NULL, NULL},
};
