/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/un.h>

#include "conf/checks.h"
#include "conf/kinds.h"
#include "conf/settings.h"

bool backend_server_read(const char *text, struct backend_server *out)
{
    static const char unix_[] = "unix:";
    size_t lead = sizeof unix_ - 1;

    *out = (struct backend_server){.text = text};
    if (strncmp(text, unix_, lead) != 0)
        return addr_read_port(span_of(text), &out->at);
    out->path = text + lead;
    return *out->path == '/' && strlen(out->path) < sizeof(((struct sockaddr_un *)0)->sun_path);
}

/* Would a session that goes there come back to us? */
static bool is_own_listener(const struct check *c, const struct addr *to)
{
    static const struct addr any4 = {.ip = {[10] = 0xff, [11] = 0xff}}, any6;
    struct addr at;

    for (const struct section *s = c->list; s; s = s->next) {
        if (!check_is_kind(s, KIND_SMTP_LISTENER) ||
            !addr_read_port(span_of(s->head->title), &at) || at.port != to->port)
            continue;
        if (addr_is_same(&at, to) ||
            (addr_is_loopback(to) && (!memcmp(at.ip, any4.ip, 16) || !memcmp(at.ip, any6.ip, 16))))
            return true;
    }
    return false;
}

static bool is_same(const struct backend_server *a, const struct backend_server *b)
{
    if (a->path || b->path)
        return a->path && b->path && strcmp(a->path, b->path) == 0;
    return addr_is_same(&a->at, &b->at);
}

/* Server `i`, by itself and beside those before it. */
static void check_server(struct check *c, struct section *s, size_t i)
{
    const struct backend *b = (const struct backend *)s->head;
    const struct backend_server *server = &b->servers[i];

    if (!server->path && is_own_listener(c, &server->at))
        wrong(c, s, "server", "%s is an smtp-listener of ours; write where the mail server listens",
              server->text);
    if (server->path && b->identity == IDENTITY_TRANSPARENT)
        wrong(c, s, "identity",
              "a unix socket shows no address, so transparent tells nothing at %s; write "
              "ADDRESS:PORT there, or choose another identity",
              server->text);
    if (server->path && b->has_from)
        wrong(c, s, "backend-source", "%s has no addresses; leave backend-source out",
              server->text);
    if (!server->path && b->has_from && addr_is_v4(&server->at) != addr_is_v4(&b->from))
        wrong(c, s, "backend-source",
              "%s cannot be called from %s: one is IPv4, the other IPv6; make two backends of it",
              server->text, b->backend_source);
    for (size_t k = 0; k < i; k++)
        if (is_same(server, &b->servers[k]))
            wrong(c, s, "server", "%s is there twice; leave one out", server->text);
}

/* False: no use in looking further. */
static bool read_servers(struct check *c, struct section *s)
{
    struct backend *b = (struct backend *)s->head;
    struct backend_server *servers = arena_get(c->arena, b->server.count + 1, sizeof *servers);

    if (b->server.count == 0 || b->server.count > BACKEND_SERVERS)
        wrong(c, s, "server", "say where the mail server listens, in 1 to %d places",
              (int)BACKEND_SERVERS);
    for (size_t i = 0; i < b->server.count && !s->bad; i++)
        if (!backend_server_read(b->server.at[i], &servers[i]))
            wrong(c, s, "server",
                  "'%s' is not ADDRESS:PORT; write 192.0.2.1:25, [2001:db8::1]:25 or "
                  "unix:/run/mta/smtp",
                  b->server.at[i]);
    b->servers = servers;
    return !s->bad;
}

/* What is for TLS, where there is none: somebody may think that it is on. */
static void check_no_tls(struct check *c, struct section *s)
{
    const struct backend *b = (const struct backend *)s->head;
    const char *name = *b->tls_name               ? "tls-name"
                       : *b->tls_ca_file          ? "tls-ca-file"
                       : b->tls_certificate.count ? "tls-certificate"
                                                  : NULL;

    if (name)
        wrong(c, s, name, "is of no use without TLS; add use-tls = starttls or immediate");
}

static void check_tls(struct check *c, struct section *s)
{
    const struct backend *b = (const struct backend *)s->head;

    if (b->use_tls == BACKEND_TLS_NO) {
        check_no_tls(c, s);
        return;
    }
    if (b->tls_verify == BACKEND_VERIFY_NAME && !*b->tls_name)
        wrong(c, s, "use-tls",
              "its certificate cannot be checked without a name; add tls-name = NAME, or "
              "tls-verify = ca or none");
    check_host(c, s, "tls-name", b->tls_name);
    if (b->tls_verify == BACKEND_VERIFY_NONE && *b->tls_ca_file)
        wrong(c, s, "tls-ca-file", "is of no use with tls-verify = none; say ca or name");
    if (b->tls_certificate.count > 1)
        wrong(c, s, "tls-certificate", "one certificate is shown, not %zu; leave the others out",
              b->tls_certificate.count);
}

void check_backend(struct check *c, struct section *s)
{
    struct backend *b = (struct backend *)s->head;

    if (!read_servers(c, s))
        return;
    b->has_from = *b->backend_source;
    if (b->has_from && !addr_read(span_of(b->backend_source), &b->from)) {
        wrong(c, s, "backend-source", "'%s' is not an address; write 127.0.0.2", b->backend_source);
        return;
    }
    if (b->has_from && b->identity == IDENTITY_TRANSPARENT)
        wrong(c, s, "backend-source",
              "with identity transparent we connect from the client's address; leave it out");
    for (size_t i = 0; i < b->server.count; i++)
        check_server(c, s, i);
    check_tls(c, s);
}
