/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/check.h"

#include <ctype.h>

#include "base/text.h"
#include "conf/checks.h"
#include "conf/kinds.h"
#include "conf/settings.h"
#include "conf/twins.h"

bool check_is_kind(const struct section *s, int kind)
{
    return s->kind == &kinds[kind];
}

bool check_read_at(struct check *c, struct section *s, const char *name, const char *text,
                   struct addr *out)
{
    if (addr_read_port(span_of(text), out))
        return true;
    wrong(c, s, name, "'%s' is not ADDRESS:PORT; write 192.0.2.1:25 or [2001:db8::1]:25", text);
    return false;
}

void check_host(struct check *c, struct section *s, const char *name, const char *host)
{
    for (const char *p = host; *p; p++) {
        if (isalnum((unsigned char)*p) || strchr("-._", *p) || (*host == '[' && strchr("[]:", *p)))
            continue;
        wrong(c, s, name, "'%s' is not a host name; write mx.example.com, other alphabets as xn--",
              host);
        return;
    }
}

static bool is_name_server(struct span text)
{
    struct span host = span_cut(&text, '@');
    struct addr a;
    unsigned long port = 53;

    return addr_read(host, &a) && (!text.len || text_number(text, UINT16_MAX, &port)) && port > 0;
}

/* The sender of a mail: nothing in it has a meaning in a command or in a header field. */
static bool is_address(const char *text)
{
    const char *at = strchr(text, '@');

    for (const char *p = text; *p; p++)
        if (!isgraph((unsigned char)*p) || strchr("<>()[],;:\"\\", *p))
            return false;
    return at && at > text && at[1] && !strchr(at + 1, '@') && strlen(text) <= 254;
}

static bool is_line(const char *text)
{
    for (const char *p = text; *p; p++)
        if (iscntrl((unsigned char)*p))
            return false;
    return text_is_utf8(span_of(text));
}

/* What tls-report-server is; elsewhere servers are those of a backend. */
static void check_report_server(struct check *c, struct section *s, const char *text)
{
    struct backend_server server;

    if (!backend_server_read(text, &server))
        wrong(c, s, "tls-report-server",
              "'%s' is no server; write 127.0.0.1:25, [::1]:25 or unix:/PATH", text);
}

static void check_reports(struct check *c, struct section *s, const struct global *g)
{
    check_report_server(c, s, g->tls_report_server);
    if (!is_line(g->tls_report_organization))
        wrong(c, s, "tls-report-organization", "is not one line of UTF-8; write a name");
    if (!is_line(g->tls_report_contact))
        wrong(c, s, "tls-report-contact", "is not one line of UTF-8; write tls@example.com");
    if (*g->tls_report_from && !is_address(g->tls_report_from))
        wrong(c, s, "tls-report-from", "'%s' is no mail address; write tls@example.com",
              g->tls_report_from);
    if (!g->tls_reports)
        return;
    if (!*g->tls_report_contact)
        wrong(c, s, "tls-reports",
              "needs tls-report-contact, whom readers of reports may ask, such as "
              "tls@example.com");
    else if (!*g->tls_report_from && !is_address(g->tls_report_contact))
        wrong(c, s, "tls-report-contact",
              "'%s' is no mail address, so tls-report-from must be one, such as tls@example.com",
              g->tls_report_contact);
}

static void check_global(struct check *c, struct section *s)
{
    const struct global *g = (const struct global *)s->head;

    check_host(c, s, "host-name", g->host_name);
    for (size_t i = 0; i < g->name_server.count; i++)
        if (!is_name_server(span_of(g->name_server.at[i])))
            wrong(c, s, "name-server", "'%s' is not ADDRESS or ADDRESS@PORT; write 127.0.0.1@53",
                  g->name_server.at[i]);
    check_reports(c, s, g);
}

const struct section *check_find(const struct check *c, int kind, const char *title)
{
    for (const struct section *s = c->list; s; s = s->next)
        if (check_is_kind(s, kind) && !strcasecmp(s->head->title, title))
            return s;
    return NULL;
}

/* Something is named that is not there. */
void check_wrong_name(struct check *c, struct section *s, const char *name, int kind,
                      const char *title)
{
    const char *best = NULL;

    for (const struct section *other = c->list; other; other = other->next)
        if (check_is_kind(other, kind))
            name_suggest(title, other->head->title, &best);
    wrong(c, s, name, "there is no section %s %s; %s%s%s", kinds[kind].name, title,
          best ? "is it " : "add one", best ? best : "", best ? "?" : "");
}

static void check_one(struct check *c, struct section *s)
{
    static void (*const checks[KIND_COUNT])(struct check *, struct section *) = {
        [KIND_GLOBAL] = check_global,
        [KIND_SMTP_LISTENER] = check_smtp_listener,
        [KIND_BACKEND] = check_backend,
        [KIND_SOURCE] = check_source,
        [KIND_SENDER_DOMAIN] = check_sender_domain,
        [KIND_RELAY_LISTENER] = check_relay_listener,
        [KIND_DOMAIN_MACRO] = check_domain_macro,
        [KIND_DOMAIN] = check_domain,
        [KIND_MX_ROLLUP_LIST] = check_mx_rollup_list,
        [KIND_MX] = check_mx,
        [KIND_MILTER_LISTENER] = check_milter_listener,
        [KIND_ACCT_FILE] = check_acct_file,
        [KIND_RECORD_FIELDS] = check_record_fields,
        [KIND_BOUNCE_CATEGORY_PATTERNS] = check_pattern_list,
        [KIND_PATTERN] = check_pattern,
    };

    checks[s->kind - kinds](c, s);
}

/* All of them, since they may name each other. */
static void read_macros(struct check *c)
{
    struct macro *all;
    size_t count = 0;
    char why[1024];

    for (const struct section *s = c->list; s; s = s->next)
        count += check_is_kind(s, KIND_DOMAIN_MACRO);
    all = arena_get(c->arena, count, sizeof *all);
    count = 0;
    for (const struct section *s = c->list; s; s = s->next)
        if (check_is_kind(s, KIND_DOMAIN_MACRO))
            all[count++] = *(const struct macro *)s->head;
    c->macros = macros_new(all, count, why, sizeof why);
    if (c->macros)
        return;
    problem_add_line(c->problems, why);
    for (struct section *s = c->list; s; s = s->next)
        s->bad |= check_is_kind(s, KIND_DOMAIN_MACRO);
}

/* In the order of kinds: what is said of sources depends on listeners. */
void check_sections(struct section *list, struct arena *arena, struct problems *problems)
{
    struct check c = {.list = list, .arena = arena, .problems = problems};

    for (const struct section *s = list; s; s = s->next)
        c.backends += check_is_kind(s, KIND_BACKEND);
    read_macros(&c);
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        if (kind == KIND_SOURCE)
            check_in_begin(&c);
        for (struct section *s = list; s; s = s->next)
            if (check_is_kind(s, kind) && !s->bad)
                check_one(&c, s);
    }
    twins_check(list, arena, problems);
    macros_free(&c.macros);
}
