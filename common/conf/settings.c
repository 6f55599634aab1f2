/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/certificates.h"
#include "conf/check.h"
#include "conf/kinds.h"
#include "conf/ours.h"
#include "conf/rollups.h"
#include "conf/value.h"
#include "conf/wants.h"

/* What settings_read() gives out is its first member. */
struct snapshot {
    struct settings settings;
    struct arena *arena;
    unsigned others; /* that share it with who read it */
};

/* All sections of one kind, one behind the other. `inside`: only those there, if not NULL. */
static const void *collect(struct arena *arena, const struct section *list, int kind,
                           const struct section *inside, size_t *count)
{
    const struct section *s;
    char *all;

    *count = 0;
    for (s = list; s; s = s->next)
        *count += s->kind == &kinds[kind] && (!inside || s->inside == inside);
    all = arena_get(arena, *count + 1, kinds[kind].size);
    *count = 0;
    for (s = list; s; s = s->next)
        if (s->kind == &kinds[kind] && (!inside || s->inside == inside))
            memcpy(all + (*count)++ * kinds[kind].size, s->head, kinds[kind].size);
    return all;
}

static void collect_record_fields(struct arena *arena, const struct section *list)
{
    for (const struct section *s = list; s; s = s->next) {
        struct acct_file *file = (struct acct_file *)s->head;

        if (s->kind == &kinds[KIND_ACCT_FILE])
            file->record_fields =
                collect(arena, list, KIND_RECORD_FIELDS, s, &file->record_fields_count);
    }
}

/* One that needs no section. */
static const struct backend *default_backend(struct arena *arena)
{
    struct backend *b = arena_get(arena, 1, sizeof *b);

    value_defaults(kinds[KIND_BACKEND].options, arena, b);
    b->head.title = "default";
    b->head.file = "";

    struct backend_server *server = arena_get(arena, 1, sizeof *server);

    if (!backend_server_read(b->server.at[0], server))
        abort(); /* the table is wrong */
    b->servers = server;
    return b;
}

static void collect_all(struct arena *a, const struct section *list, struct settings *out)
{
    out->global = *(const struct global *)list->head;
    collect_record_fields(a, list);
    out->smtp_listeners = collect(a, list, KIND_SMTP_LISTENER, NULL, &out->smtp_listener_count);
    out->backends = collect(a, list, KIND_BACKEND, NULL, &out->backend_count);
    if (!out->backend_count) {
        out->backends = default_backend(a);
        out->backend_count = 1;
    }
    out->relay_listeners = collect(a, list, KIND_RELAY_LISTENER, NULL, &out->relay_listener_count);
    out->milter_listeners =
        collect(a, list, KIND_MILTER_LISTENER, NULL, &out->milter_listener_count);
    out->acct_files = collect(a, list, KIND_ACCT_FILE, NULL, &out->acct_file_count);
    if (out->global.tls_reports)
        out->acct_files = ours_add(a, &out->global, out->acct_files, &out->acct_file_count);
    out->bounce_patterns = collect(a, list, KIND_PATTERN, NULL, &out->bounce_pattern_count);
    out->source_sections = collect(a, list, KIND_SOURCE, NULL, &out->source_section_count);
    out->sender_sections = collect(a, list, KIND_SENDER_DOMAIN, NULL, &out->sender_section_count);
    out->macro_sections = collect(a, list, KIND_DOMAIN_MACRO, NULL, &out->macro_section_count);
    out->rollups.at = collect(a, list, KIND_MX, NULL, &out->rollups.count);
    out->domain_sections = collect(a, list, KIND_DOMAIN, NULL, &out->domain_section_count);
}

/* Rules whose sections are right one by one may still not go together. */
static void build_rules(struct settings *s, struct problems *problems)
{
    char why[1536];

    s->sources = sources_new(s->source_sections, s->source_section_count, why, sizeof why);
    if (!s->sources)
        problem_add_line(problems, why);
    s->macros = macros_new(s->macro_sections, s->macro_section_count, why, sizeof why);
    if (!s->macros) {
        problem_add_line(problems, why);
        return;
    }
    if (s->sender_section_count > 0) {
        s->senders =
            senders_new(s->sender_sections, s->sender_section_count, s->macros, why, sizeof why);
        if (!s->senders)
            problem_add_line(problems, why);
    }
    s->domains =
        domains_new(s->domain_sections, s->domain_section_count, s->macros, why, sizeof why);
    if (!s->domains)
        problem_add_line(problems, why);
}

static void find_host_name(struct settings *s)
{
    if (*s->global.host_name)
        snprintf(s->host_name, sizeof s->host_name, "%s", s->global.host_name);
    else if (gethostname(s->host_name, sizeof s->host_name - 1) || !*s->host_name)
        snprintf(s->host_name, sizeof s->host_name, "localhost");
}

/* With no problems so far, but perhaps that there is no memory for it: NULL. */
static struct snapshot *snapshot_new(struct problems *problems, const char *path, char *why,
                                     size_t size)
{
    struct snapshot *s = calloc(1, sizeof *s);

    problem_start(problems, why, size);
    if (s)
        s->arena = arena_new();
    if (s && s->arena)
        return s;
    free(s);
    problem_add(problems, path, 0, NULL, "no memory");
    return NULL;
}

static void check_together(const struct settings *s, struct problems *problems)
{
    check_certificates(s, problems);
    check_rollups(s, problems);
}

static struct settings *finish(struct snapshot *snapshot, struct section *list,
                               struct problems *problems)
{
    struct settings *s = &snapshot->settings;

    check_sections(list, snapshot->arena, problems);
    if (!problems->count) {
        collect_all(snapshot->arena, list, s);
        find_host_name(s);
        wants_find(s, problems);
        build_rules(s, problems);
        if (!problems->count)
            check_together(s, problems);
    }
    if (problems->count)
        settings_free(&s);
    return s;
}

struct settings *settings_read(const char *path, char *why, size_t size)
{
    struct problems problems;
    struct snapshot *s = snapshot_new(&problems, path, why, size);

    return s ? finish(s, sections_read(path, kinds, s->arena, &problems), &problems) : NULL;
}

struct settings *settings_read_text(struct span text, const char *path, char *why, size_t size)
{
    struct problems problems;
    struct snapshot *s = snapshot_new(&problems, path, why, size);

    return s ? finish(s, sections_read_text(text, path, kinds, s->arena, &problems), &problems)
             : NULL;
}

void settings_free(struct settings **s)
{
    struct snapshot *snapshot = (struct snapshot *)*s;

    *s = NULL;
    if (!snapshot || snapshot->others-- > 0)
        return;
    sources_free(&snapshot->settings.sources);
    senders_free(&snapshot->settings.senders);
    domains_free(&snapshot->settings.domains);
    macros_free(&snapshot->settings.macros);
    arena_free(&snapshot->arena);
    free(snapshot);
}

struct settings *settings_share(struct settings *s)
{
    ((struct snapshot *)s)->others++;
    return s;
}

const struct backend *settings_backend(const struct settings *s, const struct smtp_listener *l)
{
    for (size_t i = 0; i < s->backend_count; i++)
        if (!strcasecmp(s->backends[i].head.title, l->backend))
            return &s->backends[i];
    return s->backends;
}

enum acct_sync settings_sync(const struct settings *s)
{
    enum acct_sync strictest = ACCT_SYNC_NONE;

    for (size_t i = 0; i < s->acct_file_count; i++)
        if (s->acct_files[i].sync > strictest)
            strictest = (enum acct_sync)s->acct_files[i].sync;
    return strictest;
}

bool settings_has_accounts(const struct settings *s)
{
    return s->acct_file_count > 0 && !s->acct_files->is_ours;
}

unsigned settings_workers(const struct settings *s)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (s->global.workers)
        return (unsigned)s->global.workers;
    return processors > 0 ? (unsigned)processors : 1;
}
