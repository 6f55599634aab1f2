/* SPDX-License-Identifier: Apache-2.0 */
#include "contexts.h"

#include <stdio.h>
#include <string.h>

#include "behind/reach.h"
#include "net/ciphers.h"
#include "net/kdf.h"
#include "net/ktls.h"
#include "conf/inherit.h"
#include "conf/kinds.h"
#include "tell/log.h"

/* Once: listeners share what they take over from the file's own options. */
static void add_at(struct problems *p, const char *place, const char *text)
{
    char line[1024 + 512 + 8];

    snprintf(line, sizeof line, "%s: %s", place, text);
    if (!strstr(p->why, line))
        problem_add_line(p, line);
}

static void add_option(struct problems *p, const struct settings *s, const struct smtp_listener *of,
                       const char *option, const char *text)
{
    char place[1024];

    inherit_place(s, of, option, place, sizeof place);
    add_at(p, place, text);
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
        .offload = l->tls_offload,
    };
}

/* Each name of ciphers and groups, with the line of the option that has it. */
static bool names_are_known(const struct settings *s, const struct smtp_listener *l,
                            struct problems *wrong)
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

static void make_tls(struct prepared_gate *g, const struct settings *s,
                     const struct smtp_listener *l, struct tickets *tickets, struct problems *wrong)
{
    const struct tls_server_conf conf = tls_of(l);
    char why[512], place[1024];

    if (!names_are_known(s, l, wrong))
        return;
    g->tls = tls_server_new(&conf, tickets, why, sizeof why);
    if (g->tls)
        return;
    inherit_place_of_file(s, l, why, place, sizeof place);
    add_at(wrong, place, why);
}

/* The TLS context of listener `i`: one that an earlier listener has, or a new one. */
static void make_gate(struct prepared *p, const struct settings *s, size_t i,
                      struct tickets *tickets, struct problems *wrong)
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
    make_tls(&p->gates[i], s, l, tickets, wrong);
}

static void make_backend(struct prepared *p, const struct settings *s, size_t i,
                         struct problems *wrong)
{
    const struct backend *b = &s->backends[i];
    const struct tls_client_conf conf = reach_tls(b);
    char why[512], place[1024];

    if (b->use_tls == BACKEND_TLS_NO)
        return;
    p->backend_tls[i] = tls_client_new(&conf, why, sizeof why);
    if (p->backend_tls[i])
        return;
    inherit_place_in(KIND_BACKEND, &b->head, why, place, sizeof place);
    add_at(wrong, place, why);
}

void contexts_make(struct prepared *p, const struct settings *s, struct tickets *tickets,
                   struct problems *wrong)
{
    for (size_t i = 0; i < p->count; i++)
        make_gate(p, s, i, tickets, wrong);
    for (size_t i = 0; i < p->backend_count; i++)
        make_backend(p, s, i, wrong);
}

void contexts_free(struct prepared *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (!p->gates[i].shared)
            tls_free(&p->gates[i].tls);
    for (size_t i = 0; i < p->backend_count; i++)
        tls_free(&p->backend_tls[i]);
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
    for (size_t i = 0; i < p->backend_count; i++)
        if (p->backend_tls[i])
            tls_show(p->backend_tls[i], show, arg);
}

void contexts_say(const struct settings *s, bool at_start)
{
    bool offload = false;

    for (size_t i = 0; i < s->smtp_listener_count; i++)
        offload = offload || s->smtp_listeners[i].tls_offload;
    if (offload && !ktls_is_there())
        log_say(LOG_LIFE, "", "no-ktls", {"why", SPAN("this kernel has none")},
                {"then", SPAN("tls-offload does nothing: OpenSSL encrypts")});
    if (at_start && kdf_missing())
        log_say(LOG_LIFE, "", "no-key-schedule", {"why", span_of(kdf_missing())},
                {"then", SPAN("its own is used: a handshake costs some percent more")});
}
