/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/checks.h"
#include "cli/command.h"

#include <stdio.h>

#include "behind/reach.h"
#include "conf/problem.h"

/* NULL: there is none, and that was said. */
static const struct backend *find(const struct settings *s, const char *name)
{
    const char *best = NULL;

    for (size_t i = 0; i < s->backend_count; i++) {
        if (!strcasecmp(s->backends[i].head.title, name))
            return &s->backends[i];
        name_suggest(name, s->backends[i].head.title, &best);
    }
    fprintf(stderr, "sallyport check: %s: no such backend%s%s%s\n", name, best ? "; is it " : "",
            best ? best : "", best ? "?" : "");
    return NULL;
}

static void check_servers(struct target *t)
{
    for (size_t i = 0; i < t->backend->server.count; i++) {
        t->server = &t->backend->servers[i];
        t->at = t->server->at;
        snprintf(t->where, sizeof t->where, "backend %.100s %.140s", t->backend->head.title,
                 t->server->text);
        server_check(t);
    }
}

static void check_backend(const struct settings *s, const struct backend *b, struct findings *f)
{
    struct target t = {.settings = s, .backend = b, .findings = f};
    const struct tls_client_conf conf = reach_tls(b);
    char why[512];

    snprintf(t.where, sizeof t.where, "backend %.100s", b->head.title);
    if (b->use_tls != BACKEND_TLS_NO && !(t.tls = tls_client_new(&conf, why, sizeof why)))
        finding_say(f, SEVERITY_ERROR, t.where, why, "", NULL);
    else
        check_servers(&t);
    tls_free(&t.tls);
}

static int check_named(const struct settings *s, char **names, int count, struct findings *f)
{
    for (int i = 0; i < count; i++)
        if (!find(s, names[i]))
            return CLI_CANNOT;
    for (int i = 0; i < count; i++)
        check_backend(s, find(s, names[i]), f);
    return findings_status(f);
}

static int check_all(const struct settings *s, const char *file, struct findings *f)
{
    conf_check(s, file, f);
    keys_check(s, f);
    outgoing_check(s, f);
    handing_check(s, f);
    if (s->smtp_listener_count == 0)
        return findings_status(f);
    rules_check(s, f);
    files_check(s, f);
    for (size_t i = 0; i < s->backend_count; i++)
        check_backend(s, &s->backends[i], f);
    return findings_status(f);
}

int check_run(int argc, char **argv)
{
    struct findings f = {.count = {0}};
    const char *file;
    int status = CLI_CANNOT, at = command_options(argc, argv, &file);
    struct settings *s;

    if (at < 0)
        return EXIT_USAGE;
    s = command_settings(file);
    if (s && programs_check(s, file, &f))
        status = at < argc ? check_named(s, argv + at, argc - at, &f) : check_all(s, file, &f);
    settings_free(&s);
    return status;
}
