/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inspect.h"

#include <stdlib.h>
#include <unistd.h>

#include "cli/command.h"
#include "net/loop.h"

static void on_late(void *arg)
{
    *(bool *)arg = true;
}

/* A line that the next thing that is said wipes out. */
static void tell(const struct inspect *i, const char *what, const char *of)
{
    char clean[IDNA_NAME];

    if (!i->speaks)
        return;
    text_clean(clean, sizeof clean, span_of(of));
    fprintf(stderr, "\r\033[K%s%s", what, clean);
    fflush(stderr);
}

bool inspect_wait(struct inspect *i, const bool *done, double seconds, const char *what,
                  const char *of)
{
    bool late = false;
    struct alarm limit;

    alarm_init(&limit, i->base, on_late, &late);
    alarm_set(&limit, seconds);
    tell(i, what, of);
    while (!*done && !late && event_base_loop(i->base, EVLOOP_ONCE) >= 0)
        ;
    alarm_stop(&limit);
    tell(i, "", "");
    return *done;
}

double inspect_share(const struct inspect *i, size_t at)
{
    double left = (double)i->rule->route_deadline - i->spent;
    double share = attempt_share(left > 0 ? left : 0, i->find.route.count - at);

    return i->plan.seconds && (double)i->plan.seconds < share ? (double)i->plan.seconds : share;
}

bool inspect_is_decided(const struct inspect *i)
{
    return i->delivered || i->refused;
}

const char *inspect_state(const struct inspect *i, enum resolved how, bool secure)
{
    switch (how) {
    case RESOLVED_UNKNOWN:
        return "no name server says";
    case RESOLVED_BOGUS:
        return "bogus: what is said does not validate";
    case RESOLVED_ABSENT:
    case RESOLVED_NAMED:
        break;
    }
    if (!i->settings->global.trust_anchor_file[0])
        return "not validated: there is no trust-anchor-file";
    return secure ? "secure" : "insecure";
}

/* What a mail server that hands a message over would see. */
static void report_end_of_all(struct inspect *i)
{
    struct sheet *r = &i->sheet;

    sheet_open(r, "result", NULL);
    if (i->plan.server && i->met == 0 && i->find.route.count > 0)
        snprintf(i->answer, sizeof i->answer, "none of its servers is %s", i->plan.server);
    sheet_flag(r, "delivers", i->delivered);
    if (i->delivered) {
        sheet_flag(r, "in-tls", i->secure);
        sheet_text(r, "server", i->taker);
    }
    sheet_verdict(r, "answer", i->delivered,
                  i->delivered ? "the server's own; nothing was delivered" : i->answer);
    sheet_close(r);
}

static void report_all(struct inspect *i)
{
    struct sheet *r = &i->sheet;

    sheet_begin(r, stdout, i->plan.json, isatty(STDOUT_FILENO) && !getenv("NO_COLOR"));
    sheet_text(r, "domain", i->domain);
    if (inspect_way(i)) {
        sheet_list(r, "servers");
        for (size_t at = 0; at < i->find.route.count; at++)
            inspect_server(i, at);
        sheet_list_end(r);
    }
    report_end_of_all(i);
    sheet_end(r);
}

int inspect_run(struct inspect *i)
{
    char why[1100] = "out of memory";
    int status = CLI_CANNOT;

    i->speaks = isatty(STDERR_FILENO) && !i->plan.json;
    if ((i->base = loop_new()) && oracle_begin(&i->oracle, i->base, i->settings, why, sizeof why)) {
        own_find(&i->own, i->settings);
        report_all(i);
        status = i->delivered ? CLI_RIGHT : CLI_FINDINGS;
    } else {
        fprintf(stderr, "sallyport probe: %s\n", why);
    }
    find_clear(&i->find);
    known_clear(&i->known);
    manners_free(&i->manners);
    oracle_end(&i->oracle);
    own_clear(&i->own);
    if (i->base)
        event_base_free(i->base);
    libevent_global_shutdown();
    return status;
}
