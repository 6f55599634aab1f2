/* SPDX-License-Identifier: Apache-2.0 */
#include "prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "contexts.h"
#include "net/conn.h"
#include "run/cage.h"
#include "run/daemon.h"
#include "conf/problem.h"
#include "sync/commit.h"
#include "tell/reports.h"

/* They live as long as the master, over all reloads. */
static struct listens sockets;
static struct tickets *tickets;
static struct table *table;
static struct tally *tally;
static struct strikes *strikes;
static unsigned parts;

bool prepare_is_transparent(const struct settings *s)
{
    for (size_t i = 0; i < s->smtp_listener_count; i++)
        if (settings_backend(s, &s->smtp_listeners[i])->identity == IDENTITY_TRANSPARENT)
            return true;
    return false;
}

static void check_listeners(const struct settings *s, struct problems *wrong)
{
    if (s->smtp_listener_count == 0)
        problem_add(wrong, s->global.head.file, s->global.head.line, NULL,
                    "no smtp-listener: say where clients come in");
    if (s->smtp_listener_count > LISTEN_MAX)
        problem_add(wrong, s->smtp_listeners[LISTEN_MAX].head.file,
                    s->smtp_listeners[LISTEN_MAX].head.line, NULL,
                    "smtp-listener: more than %d of them; take some out", LISTEN_MAX);
}

/* The kernel is asked, for it knows of user namespaces and modules. */
static void check_transparent(const struct settings *s, struct problems *wrong)
{
    for (size_t i = 0; i < s->smtp_listener_count; i++) {
        const struct backend *b = settings_backend(s, &s->smtp_listeners[i]);

        if (b->identity != IDENTITY_TRANSPARENT || conn_may_bind_as())
            continue;
        problem_add(wrong, b->head.file, b->head.line, NULL,
                    "identity: transparent needs CAP_NET_RAW; start as root, or choose proxy-v2");
        return;
    }
}

static void open_sockets(struct prepared *p, const struct settings *s, struct problems *wrong)
{
    char why[512];

    listens_unmark(&sockets);
    for (size_t i = 0; i < p->count; i++) {
        const struct smtp_listener *l = &s->smtp_listeners[i];

        p->gates[i].fd = listens_open(&sockets, &l->at, false, why, sizeof why);
        if (p->gates[i].fd < 0)
            problem_add(wrong, l->head.file, l->head.line, NULL, "%s", why);
    }
}

/* What the running generation has is wanted still: a failed reload changes nothing. */
static void want_again(const struct prepared *before)
{
    listens_unmark(&sockets);
    for (size_t i = 0; before && i < before->count; i++)
        listens_want(&sockets, before->gates[i].fd);
}

/* For the workers and sessions of today: more sessions are counted as far as there is room. */
static void make_counters(const struct global *g, struct problems *wrong)
{
    tally = tally_new(parts, g->max_sessions + LISTEN_MAX + 1);
    strikes = strikes_new();
    if (!tally || !strikes)
        problem_add(wrong, g->head.file, g->head.line, NULL, "out of memory");
}

/* The table is made once: milters have it mapped. So it is made for the workers of today, and a
 * reload cannot ask for more. */
static void make_table(const struct settings *s, struct problems *wrong)
{
    const struct global *g = &s->global;
    unsigned need = DAEMON_GENERATIONS * settings_workers(s);
    unsigned long entries = 2 * g->max_sessions;
    struct cage cage = {.gid = (gid_t)-1};
    char path[4096], why[512];

    if (table && need <= parts)
        return;
    if (table) {
        problem_add(wrong, g->head.file, g->head.line, NULL,
                    "workers: more than at the start; restart for that");
        return;
    }
    snprintf(path, sizeof path, "%s/sessions", g->run_directory);
    if ((g->user[0] && cage_find(g->user, g->group, &cage, why, sizeof why) != 0) ||
        !(table = table_make(path, need, (unsigned)entries, cage.gid, why, sizeof why)))
        problem_add(wrong, g->head.file, g->head.line, NULL, "%s", why);
    parts = need;
    make_counters(g, wrong);
}

static struct prepared *new_prepared(size_t count, size_t backend_count)
{
    struct prepared *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->gates = calloc(count + 1, sizeof *p->gates);
    p->backend_tls = calloc(backend_count + 1, sizeof *p->backend_tls);
    if (!p->gates || !p->backend_tls) {
        prepare_free(p);
        return NULL;
    }
    p->syncer = -1;
    p->count = count;
    p->backend_count = backend_count;
    for (size_t i = 0; i < count; i++)
        p->gates[i].fd = -1;
    return p;
}

/* Sockets and the table, which outlive this generation; only where all else is right. */
static void take_hold(struct prepared *p, const struct settings *s, const struct prepared *before,
                      struct problems *wrong)
{
    char why[512];

    if (wrong->count == 0)
        open_sockets(p, s, wrong);
    if (wrong->count == 0)
        make_table(s, wrong);
    if (wrong->count == 0 && settings_sync(s) == ACCT_SYNC_REPLY &&
        (p->syncer = commit_listen(why, sizeof why)) < 0)
        problem_add(wrong, s->global.head.file, s->global.head.line, NULL, "%s", why);
    if (wrong->count > 0)
        want_again(before);
    listens_close_unwanted(&sockets);
    p->table = table;
    p->tally = tally;
    p->strikes = strikes;
}

/* At the start and every day. */
static void warn(struct prepared *p)
{
    const struct settings *s = p->settings;

    reports_warn(s->source_sections, s->source_section_count, s->sender_sections,
                 s->sender_section_count, clock_mono(), &p->warned);
}

void *prepare_new(const struct settings *s, void *before, bool only_check, char *why, size_t size)
{
    struct prepared *p = new_prepared(s->smtp_listener_count, s->backend_count);
    struct problems wrong;

    problem_start(&wrong, why, size);
    if (!tickets)
        tickets = tickets_new();
    if (!tickets || !p) {
        problem_add(&wrong, s->global.head.file, s->global.head.line, NULL, "out of memory");
        prepare_free(p);
        return NULL;
    }
    check_listeners(s, &wrong);
    contexts_make(p, s, tickets, &wrong);
    if (!only_check)
        check_transparent(s, &wrong);
    if (!only_check)
        take_hold(p, s, before, &wrong);
    if (wrong.count > 0) {
        prepare_free(p);
        return NULL;
    }
    p->settings = s;
    if (!only_check) {
        warn(p);
        contexts_say(s, !before);
    }
    return p;
}

void prepare_free(void *prepared)
{
    struct prepared *p = prepared;

    if (!p)
        return;
    contexts_free(p);
    if (p->syncer >= 0)
        close(p->syncer);
    free(p->gates);
    free(p->backend_tls);
    free(p);
}

void prepare_minute(void *prepared)
{
    warn(prepared);
    tickets_rotate_if_old(tickets, clock_mono());
}

void prepare_stopping(void *prepared)
{
    (void)prepared;
    listens_unmark(&sockets);
    listens_close_unwanted(&sockets);
}

void prepare_buried(void *prepared, unsigned slot)
{
    struct prepared *p = prepared;

    if (p->table && slot < parts)
        table_clear(p->table, slot);
    if (p->tally && slot < parts)
        tally_clear(p->tally, slot);
}
