/* SPDX-License-Identifier: Apache-2.0 */
#include "run/check.h"

#include <ctype.h>

#include "base/text.h"
#include "run/fields.h"
#include "run/kinds.h"
#include "run/settings.h"
#include "run/twins.h"
#include "run/value.h"
#include "tell/account.h"

struct check {
    struct section *list;
    struct arena *arena;
    struct problems *problems;
    size_t backends;
};

#define wrong(c, s, name, ...) section_wrong(s, (c)->problems, name, __VA_ARGS__)

static bool is_kind(const struct section *s, int kind)
{
    return s->kind == &kinds[kind];
}

static bool read_at(struct check *c, struct section *s, const char *name, const char *text,
                    struct addr *out)
{
    if (addr_read_port(span_of(text), out))
        return true;
    wrong(c, s, name, "'%s' is not ADDRESS:PORT; write 192.0.2.1:25 or [2001:db8::1]:25", text);
    return false;
}

static void check_host(struct check *c, struct section *s, const char *name, const char *host)
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

static void check_global(struct check *c, struct section *s)
{
    const struct global *g = (const struct global *)s->head;

    check_host(c, s, "host-name", g->host_name);
    for (size_t i = 0; i < g->name_server.count; i++)
        if (!is_name_server(span_of(g->name_server.at[i])))
            wrong(c, s, "name-server", "'%s' is not ADDRESS or ADDRESS@PORT; write 127.0.0.1@53",
                  g->name_server.at[i]);
}

static const struct section *find(const struct check *c, int kind, const char *title)
{
    for (const struct section *s = c->list; s; s = s->next)
        if (is_kind(s, kind) && !strcasecmp(s->head->title, title))
            return s;
    return NULL;
}

/* Something is named that is not there. */
static void wrong_name(struct check *c, struct section *s, const char *name, int kind,
                       const char *title)
{
    const char *best = NULL;

    for (const struct section *other = c->list; other; other = other->next)
        if (is_kind(other, kind))
            name_suggest(title, other->head->title, &best);
    wrong(c, s, name, "there is no section %s %s; %s%s%s", kinds[kind].name, title,
          best ? "is it " : "add one", best ? best : "", best ? "?" : "");
}

static void check_listener_backend(struct check *c, struct section *s)
{
    const struct smtp_listener *l = (const struct smtp_listener *)s->head;

    if (*l->backend && !find(c, KIND_BACKEND, l->backend))
        wrong_name(c, s, "backend", KIND_BACKEND, l->backend);
    if (!*l->backend && c->backends > 1)
        wrong(c, s, "backend",
              "smtp-listener %s does not say which of the %zu backends; add "
              "backend = NAME",
              l->head.title, c->backends);
}

/* What a listener does not say is as the file's own options have it. */
static void inherit(struct smtp_listener *l, const struct section *s, const struct global *g)
{
    const struct option *options = s->kind->options;

    if (!option_is_set(options, &l->head, offsetof(struct smtp_listener, tls_certificate)))
        l->tls_certificate = g->smtp_server_tls_certificate;
    if (!option_is_set(options, &l->head, offsetof(struct smtp_listener, tls_ca_file)))
        l->tls_ca_file = g->smtp_server_tls_ca_file;
    if (!option_is_set(options, &l->head, offsetof(struct smtp_listener, tls_ciphers)))
        l->tls_ciphers = g->smtp_server_tls_ciphers;
    if (!option_is_set(options, &l->head, offsetof(struct smtp_listener, tls_min_protocol)))
        l->tls_min_protocol = g->smtp_server_tls_min_protocol;
}

static void check_smtp_listener(struct check *c, struct section *s)
{
    struct smtp_listener *l = (struct smtp_listener *)s->head;

    inherit(l, s, (const struct global *)c->list->head);
    if (!read_at(c, s, "smtp-listener", l->head.title, &l->at))
        return;
    check_listener_backend(c, s);
    if (*l->source && !find(c, KIND_SOURCE, l->source))
        wrong_name(c, s, "source", KIND_SOURCE, l->source);
    if (l->tls && !l->tls_certificate.count && !c->list->hurt)
        wrong(c, s, "tls",
              "there is no certificate for it; give smtp-server-tls-certificate, or "
              "tls-certificate here");
}

/* Would a session that goes there come back to us? */
static bool is_own_listener(const struct check *c, const struct addr *to)
{
    static const struct addr any4 = {.ip = {[10] = 0xff, [11] = 0xff}}, any6;
    struct addr at;

    for (const struct section *s = c->list; s; s = s->next) {
        if (!is_kind(s, KIND_SMTP_LISTENER) || !addr_read_port(span_of(s->head->title), &at) ||
            at.port != to->port)
            continue;
        if (addr_is_same(&at, to) ||
            (addr_is_loopback(to) && (!memcmp(at.ip, any4.ip, 16) || !memcmp(at.ip, any6.ip, 16))))
            return true;
    }
    return false;
}

static void check_backend(struct check *c, struct section *s)
{
    struct backend *b = (struct backend *)s->head;

    if (!read_at(c, s, "server", b->server, &b->to))
        return;
    if (is_own_listener(c, &b->to))
        wrong(c, s, "server", "%s is an smtp-listener of ours; write where the mail server listens",
              b->server);
    b->has_from = *b->backend_source;
    if (b->has_from && !addr_read(span_of(b->backend_source), &b->from))
        wrong(c, s, "backend-source", "'%s' is not an address; write 127.0.0.2", b->backend_source);
}

static bool has_certificate(const struct check *c)
{
    const struct smtp_listener *l;
    bool any = false;

    for (const struct section *s = c->list; s; s = s->next) {
        l = (const struct smtp_listener *)s->head;
        if (is_kind(s, KIND_SMTP_LISTENER) && (s->bad || l->tls_certificate.count))
            return true;
        any |= is_kind(s, KIND_SMTP_LISTENER);
    }
    return !any || c->list->hurt;
}

static void check_source(struct check *c, struct section *s)
{
    const struct source *source = (const struct source *)s->head;
    char why[1024];
    struct sources *alone = sources_new(source, 1, why, sizeof why);

    if (!alone) {
        s->bad = true;
        problem_add_line(c->problems, why);
    }
    sources_free(&alone);
    if (source->allow_starttls && !has_certificate(c))
        wrong(c, s, "allow-starttls",
              "no listener has a certificate; give "
              "smtp-server-tls-certificate");
}

static void check_relay_listener(struct check *c, struct section *s)
{
    struct relay_listener *l = (struct relay_listener *)s->head;
    bool mapped = l->hand_over == HAND_OVER_TRANSPORT_MAP;

    if (!read_at(c, s, "relay-listener", l->head.title, &l->at))
        return;
    if (mapped && !*l->map)
        wrong(c, s, "hand-over",
              "transport-map needs to know where it is asked; add map = "
              "127.0.0.1:PORT");
    else if (!mapped && *l->map)
        wrong(c, s, "map", "is for hand-over = transport-map; add that or drop map");
    else if (mapped && !read_at(c, s, "map", l->map, &l->map_at))
        return;
}

static void check_source_address(struct check *c, struct section *s, const char *text)
{
    struct span rest = span_of(text);
    unsigned v4 = 0, v6 = 0;
    bool good = true;

    while (rest.len) {
        struct span one = span_cut(&rest, ' ');
        struct addr a;

        good = good && addr_read(one, &a);
        v4 += good && addr_is_v4(&a);
        v6 += good && !addr_is_v4(&a);
    }
    if (!good || v4 > 1 || v6 > 1)
        wrong(c, s, "source-address",
              "'%s' is not one address of each family; write 192.0.2.1 or "
              "\"192.0.2.1 2001:db8::1\"",
              text);
}

static void check_domain(struct check *c, struct section *s)
{
    const struct domain *domain = (const struct domain *)s->head;
    char why[1024];
    struct domains *alone = domains_new(domain, 1, why, sizeof why);

    if (!alone) {
        s->bad = true;
        problem_add_line(c->problems, why);
    }
    domains_free(&alone);
    check_host(c, s, "ehlo-name", domain->ehlo_name);
    check_source_address(c, s, domain->source_address);
}

static void check_milter_listener(struct check *c, struct section *s)
{
    struct span rest = span_of(s->head->title), way = span_cut(&rest, ':');
    bool local = span_is(way, "unix") || span_is(way, "local");
    bool net = span_is(way, "inet") || span_is(way, "inet6");

    if ((local && rest.len > 1 && rest.at[0] == '/') ||
        (net && rest.len && isdigit((unsigned char)rest.at[0])))
        return;
    wrong(c, s, "milter-listener",
          "'%s' is no socket; write unix:/run/sallyport/milter or "
          "inet:8890@127.0.0.1",
          s->head->title);
}

static void check_acct_file(struct check *c, struct section *s)
{
    struct acct_file *f = (struct acct_file *)s->head;
    const char *bad;

    if (*f->head.title == '|') {
        wrong(c, s, "acct-file", "programs are not taken; write the path of a file");
        return;
    }
    f->head.title = value_path(c->arena, value_folder(c->arena, f->head.file), f->head.title);
    bad = fields_types(&f->records, c->arena);
    if (bad)
        wrong(c, s, "records", "'%s' is no type of records; write d, b, t or r", bad);
}

static void check_record_fields(struct check *c, struct section *s)
{
    struct record_fields *f = (struct record_fields *)s->head;
    const char *letter = account_type(span_of(f->head.title));
    const char *bad, *best = NULL;

    if (!letter) {
        wrong(c, s, "record-fields", "'%s' is no type of records; write d, b, t or r",
              f->head.title);
        return;
    }
    f->head.title = letter;
    bad = fields_unknown(&f->fields, &best);
    if (bad && best)
        wrong(c, s, "fields", "no such column '%s'; is it %s?", bad, best);
    else if (bad)
        wrong(c, s, "fields", "no such column '%s'; see sallyport.conf(5)", bad);
}

static void check_one(struct check *c, struct section *s)
{
    static void (*const checks[KIND_COUNT])(struct check *, struct section *) = {
        [KIND_GLOBAL] = check_global,
        [KIND_SMTP_LISTENER] = check_smtp_listener,
        [KIND_BACKEND] = check_backend,
        [KIND_SOURCE] = check_source,
        [KIND_RELAY_LISTENER] = check_relay_listener,
        [KIND_DOMAIN] = check_domain,
        [KIND_MILTER_LISTENER] = check_milter_listener,
        [KIND_ACCT_FILE] = check_acct_file,
        [KIND_RECORD_FIELDS] = check_record_fields,
    };

    checks[s->kind - kinds](c, s);
}

/* In the order of kinds: what is said of sources depends on listeners. */
void check_sections(struct section *list, struct arena *arena, struct problems *problems)
{
    struct check c = {list, arena, problems, 0};

    for (const struct section *s = list; s; s = s->next)
        c.backends += is_kind(s, KIND_BACKEND);
    for (int kind = 0; kind < KIND_COUNT; kind++)
        for (struct section *s = list; s; s = s->next)
            if (is_kind(s, kind) && !s->bad)
                check_one(&c, s);
    twins_check(list, arena, problems);
}
