/* SPDX-License-Identifier: Apache-2.0 */
#include "prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "behind/reach.h"
#include "net/ciphers.h"
#include "net/conn.h"
#include "run/cage.h"
#include "run/daemon.h"
#include "run/inherit.h"
#include "run/kinds.h"
#include "tell/reports.h"

/* They live as long as the master, over all reloads. */
static struct listens sockets;
static struct tickets *tickets;
static struct table *table;
static struct tally *tally;
static struct strikes *strikes;
static unsigned parts;

/* One line of several, behind those that are there already. */
struct lines {
    char *at;
    size_t size, len;
};

/* Once: listeners share what they take over from the file's own options. */
static void add_at(struct lines *l, const char *place, const char *text)
{
    char line[2048];
    int n = snprintf(line, sizeof line, "%s: %s", place, text);

    if (l->len > 0 && strstr(l->at, line))
        return;
    n = snprintf(l->at + l->len, l->size - l->len, "%s%s", l->len ? "\n" : "", line);
    l->len += n > 0 && (size_t)n < l->size - l->len ? (size_t)n : 0;
}

static void add_line(struct lines *l, const char *file, unsigned line, const char *text)
{
    char place[1024];

    snprintf(place, sizeof place, "%s:%u", file, line);
    add_at(l, place, text);
}

static void add_option(struct lines *l, const struct settings *s, const struct smtp_listener *of,
                       const char *option, const char *text)
{
    char place[1024];

    inherit_place(s, of, option, place, sizeof place);
    add_at(l, place, text);
}

unsigned prepare_workers(const struct settings *s)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (s->global.workers)
        return (unsigned)s->global.workers;
    return processors > 0 ? (unsigned)processors : 1;
}

bool prepare_is_transparent(const struct settings *s)
{
    for (size_t i = 0; i < s->smtp_listener_count; i++)
        if (settings_backend(s, &s->smtp_listeners[i])->identity == IDENTITY_TRANSPARENT)
            return true;
    return false;
}

/* The kernel is asked, for it knows of user namespaces and modules. */
static void check_transparent(const struct settings *s, struct lines *wrong)
{
    for (size_t i = 0; i < s->smtp_listener_count; i++) {
        const struct backend *b = settings_backend(s, &s->smtp_listeners[i]);

        if (b->identity != IDENTITY_TRANSPARENT || conn_may_bind_as())
            continue;
        add_line(wrong, b->head.file, b->head.line,
                 "identity: transparent needs CAP_NET_RAW; start as root, or choose proxy-v2");
        return;
    }
}

static struct tls_server_conf tls_of(const struct smtp_listener *l)
{
    return (struct tls_server_conf){
        .certs = l->tls_certificate,
        .ciphers = l->tls_ciphers,
        .ciphersuites = l->tls_ciphersuites,
        .groups = l->tls_groups,
        .ocsp_files = l->tls_ocsp_file,
        .least = (enum tls_protocol)l->tls_min_protocol,
        .ca_file = l->tls_ca_file,
        .crl_file = l->tls_crl_file,
        .verify_depth = (unsigned)l->tls_verify_depth,
        .session_context = span_of(l->source),
    };
}

/* Each name of ciphers and groups, with the line of the option that has it. */
static bool names_are_known(const struct settings *s, const struct smtp_listener *l,
                            struct lines *wrong)
{
    char why[512];
    bool known = true;

    if (!ciphers_are_known(l->tls_ciphers, why, sizeof why)) {
        known = false;
        add_option(wrong, s, l, "tls-ciphers", why);
    }
    if (!suites_are_known(l->tls_ciphersuites, why, sizeof why)) {
        known = false;
        add_option(wrong, s, l, "tls-ciphersuites", why);
    }
    if (!groups_are_known(l->tls_groups, why, sizeof why)) {
        known = false;
        add_option(wrong, s, l, "tls-groups", why);
    }
    return known;
}

static bool make_tls(struct prepared_gate *g, const struct settings *s,
                     const struct smtp_listener *l, struct lines *wrong)
{
    const struct tls_server_conf conf = tls_of(l);
    char why[512], place[1024];

    if (!names_are_known(s, l, wrong))
        return false;
    g->tls = tls_server_new(&conf, tickets, why, sizeof why);
    if (g->tls)
        return true;
    inherit_place_of_file(s, l, why, place, sizeof place);
    add_at(wrong, place, why);
    return false;
}

/* The TLS context of listener `i`: one that an earlier listener has, or a new one. */
static void prepare_tls(struct prepared *p, const struct settings *s, size_t i, struct lines *wrong)
{
    const struct smtp_listener *l = &s->smtp_listeners[i];
    const struct tls_server_conf conf = tls_of(l);

    if (conf.certs.count == 0)
        return; /* settings_read() lets that pass only where TLS need not be */
    for (size_t k = 0; k < i; k++) {
        const struct tls_server_conf other = tls_of(&s->smtp_listeners[k]);

        if (p->gates[k].tls && tls_server_is_same(&conf, &other)) {
            p->gates[i].tls = p->gates[k].tls;
            p->gates[i].shared = true;
            return;
        }
    }
    (void)make_tls(&p->gates[i], s, l, wrong);
}

static void prepare_backend_tls(struct prepared *p, const struct settings *s, size_t i,
                                struct lines *wrong)
{
    const struct backend *b = &s->backends[i];
    const struct tls_client_conf conf = reach_tls(b);
    char why[512];

    if (b->use_tls == BACKEND_TLS_NO)
        return;
    p->backend_tls[i] = tls_client_new(&conf, why, sizeof why);
    if (!p->backend_tls[i])
        add_line(wrong, b->head.file, b->head.line, why);
}

static void open_sockets(struct prepared *p, const struct settings *s, struct lines *wrong)
{
    char why[512];

    listens_unmark(&sockets);
    for (size_t i = 0; i < p->count; i++) {
        const struct smtp_listener *l = &s->smtp_listeners[i];

        p->gates[i].fd = listens_open(&sockets, &l->at, false, why, sizeof why);
        if (p->gates[i].fd < 0)
            add_line(wrong, l->head.file, l->head.line, why);
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
static void make_counters(const struct global *g, struct lines *wrong)
{
    tally = tally_new(parts, g->max_sessions + LISTEN_MAX + 1);
    strikes = strikes_new();
    if (!tally || !strikes)
        add_line(wrong, g->head.file, g->head.line, "out of memory");
}

/* The table is made once: milters have it mapped. So it is made for the workers of today, and a
 * reload cannot ask for more. */
static void make_table(const struct settings *s, struct lines *wrong)
{
    const struct global *g = &s->global;
    unsigned need = DAEMON_GENERATIONS * prepare_workers(s);
    unsigned long entries = 2 * g->max_sessions;
    struct cage cage = {.gid = (gid_t)-1};
    char path[4096], why[512];

    if (table && need <= parts)
        return;
    if (table) {
        add_line(wrong, g->head.file, g->head.line,
                 "workers: more than at the start; restart for that");
        return;
    }
    snprintf(path, sizeof path, "%s/sessions", g->run_directory);
    if ((g->user[0] && cage_find(g->user, g->group, &cage, why, sizeof why) != 0) ||
        !(table = table_make(path, need, (unsigned)entries, cage.gid, why, sizeof why)))
        add_line(wrong, g->head.file, g->head.line, why);
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
    p->count = count;
    p->backend_count = backend_count;
    for (size_t i = 0; i < count; i++)
        p->gates[i].fd = -1;
    return p;
}

/* Sockets and the table, which outlive this generation; only where all else is right. */
static void take_hold(struct prepared *p, const struct settings *s, const struct prepared *before,
                      struct lines *wrong)
{
    if (wrong->len == 0)
        open_sockets(p, s, wrong);
    if (wrong->len == 0)
        make_table(s, wrong);
    if (wrong->len > 0)
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

void prepare_files(const struct settings *s, option_file_fn *visit, void *arg)
{
    for (size_t i = 0; i < s->smtp_listener_count; i++)
        option_files(kinds[KIND_SMTP_LISTENER].options, &s->smtp_listeners[i], visit, arg);
    for (size_t i = 0; i < s->backend_count; i++)
        option_files(kinds[KIND_BACKEND].options, &s->backends[i], visit, arg);
}

void prepare_show(const void *prepared, dated_fn *show, void *arg)
{
    const struct prepared *p = prepared;

    for (size_t i = 0; i < p->count; i++)
        if (p->gates[i].tls && !p->gates[i].shared)
            tls_show(p->gates[i].tls, show, arg);
}

void *prepare_new(const struct settings *s, void *before, bool only_check, char *why, size_t size)
{
    struct prepared *p = new_prepared(s->smtp_listener_count, s->backend_count);
    struct lines wrong = {.at = why, .size = size};

    if (!tickets)
        tickets = tickets_new();
    if (!tickets || !p) {
        add_line(&wrong, s->global.head.file, s->global.head.line, "out of memory");
        prepare_free(p);
        return NULL;
    }
    if (p->count == 0)
        add_line(&wrong, s->global.head.file, s->global.head.line,
                 "no smtp-listener: say where clients come in");
    for (size_t i = 0; i < p->count; i++)
        prepare_tls(p, s, i, &wrong);
    for (size_t i = 0; i < p->backend_count; i++)
        prepare_backend_tls(p, s, i, &wrong);
    if (!only_check)
        check_transparent(s, &wrong);
    if (!only_check)
        take_hold(p, s, before, &wrong);
    if (wrong.len > 0) {
        prepare_free(p);
        return NULL;
    }
    p->settings = s;
    if (!only_check)
        warn(p);
    return p;
}

void prepare_free(void *prepared)
{
    struct prepared *p = prepared;

    if (!p)
        return;
    for (size_t i = 0; i < p->count; i++)
        if (!p->gates[i].shared)
            tls_free(&p->gates[i].tls);
    for (size_t i = 0; i < p->backend_count; i++)
        tls_free(&p->backend_tls[i]);
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
