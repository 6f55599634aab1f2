/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/kdf.h"
#include "net/ktls.h"
#include "net/listen.h"
#include "run/cage.h"
#include "proxy-out/facts/facts.h"
#include "proxy-out/facts/policies.h"
#include "sync/commit.h"
#include "conf/problem.h"
#include "tell/log.h"
#include "tell/reports.h"
#include "way/own.h"
#include "dns/resolve.h"

/* They live as long as the master, over all reloads. */
static struct listens sockets;
static struct hints *hints;

static void add_line(struct problems *wrong, const struct option_head *head, const char *text)
{
    problem_add(wrong, head->file, head->line, NULL, "%s", text);
}

unsigned prepare_one(const struct settings *s)
{
    (void)s;
    return 1;
}

/* The anchors are read here once, so that a bad file is said before anything listens. */
static void check_dnssec(const struct settings *s, struct problems *wrong)
{
    const struct global *g = &s->global;
    char text[1024];

    if (!resolve_check(&(struct resolve_conf){g->name_server, g->trust_anchor_file}, text,
                       sizeof text))
        add_line(wrong, &g->head, text);
    for (size_t i = 0; i < s->domain_section_count && !*g->trust_anchor_file; i++) {
        const struct domain *d = &s->domain_sections[i];

        if (d->use_dane != DOMAIN_DANE_REQUIRED)
            continue;
        snprintf(text, sizeof text,
                 "domain %s: use-dane = required, and nothing can be validated; add "
                 "trust-anchor-file = /usr/share/dns/root.key (package dns-root-data)",
                 d->head.title);
        add_line(wrong, &d->head, text);
    }
}

static void check(const struct settings *s, struct problems *wrong)
{
    if (s->relay_listener_count == 0)
        add_line(wrong, &s->global.head, "no relay-listener: say where the mail server hands over");
    check_dnssec(s, wrong);
}

static int open_socket(const struct option_head *head, const struct addr *at, unsigned how,
                       struct problems *wrong)
{
    char why[512];
    int fd = listens_open(&sockets, at, how, why, sizeof why);

    if (fd < 0)
        add_line(wrong, head, why);
    return fd;
}

static int open_file(const struct settings *s, const struct relay_listener *l, const char *path,
                     struct problems *wrong)
{
    struct listen_file file = {.path = path, .mode = l->mode, .gid = l->gid};
    char why[512];
    struct cage cage;
    int fd = -1;

    if (l->gid != (unsigned)-1 ||
        cage_find(s->global.user, s->global.group, &cage, why, sizeof why) == 0) {
        file.gid = l->gid != (unsigned)-1 ? l->gid : cage.gid;
        fd = listens_open_file(&sockets, &file, why, sizeof why);
    }
    if (fd < 0)
        add_line(wrong, &l->head, why);
    return fd;
}

static void open_sockets(struct prepared *p, const struct settings *s, struct problems *wrong)
{
    listens_unmark(&sockets);
    for (size_t i = 0; i < p->count; i++) {
        const struct relay_listener *l = &s->relay_listeners[i];
        bool maps = l->hand_over == HAND_OVER_TRANSPORT_MAP;

        if (l->path) {
            p->doors[i].fd = open_file(s, l, l->path, wrong);
            continue;
        }
        p->doors[i].fd = open_socket(
            &l->head, &l->at,
            (maps ? LISTEN_LOOPBACK_DEVICE : 0) | (l->transparent ? LISTEN_TRANSPARENT : 0), wrong);
        if (l->map_path)
            p->doors[i].map_fd = open_file(s, l, l->map_path, wrong);
        else if (maps)
            p->doors[i].map_fd = open_socket(&l->head, &l->map_at, 0, wrong);
    }
}

/* What the running generation has is wanted still: a failed reload changes nothing. */
static void want_again(const struct prepared *before)
{
    listens_unmark(&sockets);
    for (size_t i = 0; before && i < before->count; i++) {
        listens_want(&sockets, before->doors[i].fd);
        listens_want(&sockets, before->doors[i].map_fd);
    }
}

static void take_hold(struct prepared *p, const struct settings *s, const struct prepared *before,
                      struct problems *wrong)
{
    char why[512];

    if ((p->facts = facts_listen(why, sizeof why)) < 0)
        add_line(wrong, &s->global.head, why);
    if (settings_sync(s) == ACCT_SYNC_REPLY && (p->syncer = commit_listen(why, sizeof why)) < 0)
        add_line(wrong, &s->global.head, why);
    if (wrong->count == 0)
        open_sockets(p, s, wrong);
    if (wrong->count > 0)
        want_again(before);
    listens_close_unwanted(&sockets);
}

static struct prepared *new_prepared(size_t count)
{
    struct prepared *p = calloc(1, sizeof *p);

    if (!p || !(p->doors = calloc(count + 1, sizeof *p->doors))) {
        free(p);
        return NULL;
    }
    p->count = count;
    p->facts = p->syncer = -1;
    for (size_t i = 0; i < count; i++)
        p->doors[i] = (struct prepared_door){-1, -1};
    return p;
}

void prepare_files(const struct settings *s, option_file_fn *visit, void *arg)
{
    if (*s->global.mta_sts_ca_file)
        visit(arg, NULL, s->global.mta_sts_ca_file);
    for (size_t i = 0; i < s->domain_section_count; i++)
        option_files(domain_options, &s->domain_sections[i], visit, arg);
}

void prepare_show(const void *prepared, dated_fn *show, void *arg)
{
    const struct prepared *p = prepared;

    manners_show(p->manners, show, arg);
}

/* What is not there now may come yet, so it is no mistake; until then mail has to wait. */
static void warn_source(const struct own *own, const struct domain *d)
{
    struct span rest = span_of(d->source_address);

    while (rest.len > 0) {
        struct span word = span_cut(&rest, ' ');
        struct addr at;

        if (!addr_read(word, &at) || addr_is_loopback(&at) || own_is_machine(own, &at))
            continue;
        log_say(LOG_LIFE, "", "source-not-ours", {"domain", span_of(d->head.title)},
                {"address", word},
                {"remedy", SPAN("mail for the domain waits until this machine has the address of "
                                "source-address; add it to an interface or take it out")});
    }
}

static void warn_sources(const struct settings *s)
{
    struct own own;

    own_find(&own, s);
    for (size_t i = 0; i < s->domain_section_count; i++)
        if (*s->domain_sections[i].source_address)
            warn_source(&own, &s->domain_sections[i]);
    own_clear(&own);
}

static void say_what_lacks(const struct settings *s, bool at_start)
{
    bool offload = false;

    for (size_t i = 0; i < s->domain_section_count; i++)
        offload = offload || s->domain_sections[i].smtp_tls_offload;
    if (offload && !ktls_is_there())
        log_say(LOG_LIFE, "", "no-ktls", {"why", SPAN("this kernel has none")},
                {"then", SPAN("smtp-tls-offload does nothing: OpenSSL encrypts")});
    if (at_start && kdf_missing())
        log_say(LOG_LIFE, "", "no-key-schedule", {"why", span_of(kdf_missing())},
                {"then", SPAN("its own is used: a handshake costs some percent more")});
}

void *prepare_new(const struct settings *s, void *before, bool only_check, char *why, size_t size)
{
    struct prepared *p = new_prepared(s->relay_listener_count);
    struct problems wrong;
    char text[1024];

    problem_start(&wrong, why, size);
    if (!p) {
        add_line(&wrong, &s->global.head, "out of memory");
        return NULL;
    }
    check(s, &wrong);
    if (!(p->manners = manners_new(s, text, sizeof text)))
        problem_add_line(&wrong, text);
    if (!(p->sts_cas = policies_cas(&s->global, text, sizeof text)))
        problem_add_line(&wrong, text);
    if (!only_check && wrong.count == 0)
        take_hold(p, s, before, &wrong);
    if (wrong.count > 0) {
        prepare_free(p);
        return NULL;
    }
    p->settings = s;
    if (!only_check) {
        if (!hints)
            hints = hints_new();
        hints_know(hints, false); /* state-directory may be another now */
        p->hints = hints;
        prepare_minute(p);
        warn_sources(s);
        say_what_lacks(s, !before);
    }
    return p;
}

void prepare_minute(void *prepared)
{
    struct prepared *p = prepared;
    const struct settings *s = p->settings;

    reports_warn_domains(s->domain_sections, s->domain_section_count, clock_mono(), &p->warned);
}

void prepare_free(void *prepared)
{
    struct prepared *p = prepared;

    if (!p)
        return;
    if (p->facts >= 0)
        close(p->facts);
    if (p->syncer >= 0)
        close(p->syncer);
    manners_free(&p->manners);
    free(p->sts_cas);
    free(p->doors);
    free(p);
}

void prepare_stopping(void *prepared)
{
    (void)prepared;
    listens_unmark(&sockets);
    listens_close_unwanted(&sockets);
}
