/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/checks.h"

#include <grp.h>
#include <stdlib.h>
#include <sys/un.h>

#include "conf/fields.h"
#include "conf/kinds.h"
#include "conf/settings.h"
#include "rule/hosts.h"
#include "rule/ids.h"

enum { LOGIN_MOST = 1024 }; /* bytes of auth-username, and of auth-password */

/* An open relay is nobody's wish. Who knows better can write 0.0.0.0/1 and 128.0.0.0/1. */
static bool is_everybody(const struct network *n)
{
    static const struct addr v4 = {.ip = {[10] = 0xff, [11] = 0xff}};

    return n->bits == 0 || (n->bits == 96 && !memcmp(n->ip, v4.ip, sizeof v4.ip));
}

static void check_allow(struct check *c, struct section *s, const struct networks *allow)
{
    for (size_t i = 0; i < allow->count; i++)
        if (is_everybody(&allow->at[i])) {
            wrong(c, s, "allow",
                  "everybody could send mail to anywhere here; name the networks of your mail "
                  "servers");
            return;
        }
}

/* What goes with one way of handing over and not with the others. */
static void check_way(struct check *c, struct section *s, const struct relay_listener *l)
{
    bool known = l->hand_over == HAND_OVER_ORIGINAL_DESTINATION;

    if (l->transparent && !known)
        wrong(c, s, "transparent", "is for hand-over = original-destination; add that or drop it");
    if (l->hand_over != HAND_OVER_SMARTHOST && l->protocol == RELAY_LMTP)
        wrong(c, s, "protocol",
              "with this hand-over the mail server takes us for a server of the world and speaks "
              "smtp; drop it, or use smarthost");
    if (l->hand_over == HAND_OVER_TRANSPORT_MAP &&
        !(addr_is_v4(&l->at) && addr_is_loopback(&l->at)))
        wrong(c, s, "relay-listener",
              "with transport-map we are at all of 127/8, and nowhere else; write 127.0.0.1:%u",
              l->at.port);
}

static void check_socket_group(struct check *c, struct section *s, struct relay_listener *l)
{
    const struct group *g = *l->socket_group ? getgrnam(l->socket_group) : NULL;

    l->gid = g ? g->gr_gid : (unsigned)-1;
    if (*l->socket_group && !g)
        wrong(c, s, "socket-group", "'%s' is no group of this machine", l->socket_group);
}

static bool is_unix(const char *text)
{
    return !strncmp(text, "unix:", 5);
}

/* unix:/path: a suffix finds room behind it where the socket is made. */
static const char *read_path(struct check *c, struct section *s, const char *option,
                             const char *text)
{
    const char *path = text + sizeof "unix:" - 1;

    if (*path != '/' || strlen(path) + 8 > sizeof(((struct sockaddr_un *)0)->sun_path))
        wrong(c, s, option, "'%s' is no path of a socket; write unix:/run/sallyport/%s", text,
              strcmp(option, "map") ? "lmtp" : option);
    return path;
}

/* What is said of the socket files that there are. */
static void check_files(struct check *c, struct section *s, struct relay_listener *l)
{
    char *end;

    l->mode = (unsigned)strtoul(l->socket_mode, &end, 8);
    if (!*l->socket_mode || *end || l->mode > 0777)
        wrong(c, s, "socket-mode", "'%s' is no mode; write 0660", l->socket_mode);
    check_socket_group(c, s, l);
}

/* Or where there is none. */
static void check_no_file(struct check *c, struct section *s, const struct relay_listener *l)
{
    if (*l->socket_group || strcmp(l->socket_mode, "0660") != 0)
        wrong(c, s, *l->socket_group ? "socket-group" : "socket-mode",
              "is for relay-listener or map = unix:/path; write that or drop it");
}

static void check_map(struct check *c, struct section *s, struct relay_listener *l)
{
    bool mapped = l->hand_over == HAND_OVER_TRANSPORT_MAP;

    if (mapped && !*l->map)
        wrong(c, s, "hand-over",
              "transport-map needs to know where it is asked; add map = "
              "127.0.0.1:PORT");
    else if (!mapped && *l->map)
        wrong(c, s, "map", "is for hand-over = transport-map; add that or drop map");
    else if (mapped && is_unix(l->map))
        l->map_path = read_path(c, s, "map", l->map);
    else if (mapped)
        (void)!check_read_at(c, s, "map", l->map, &l->map_at);
}

static void check_queue_id(struct check *c, struct section *s, const struct texts *words)
{
    struct ids ids;
    const char *word;

    if (!ids_read(words, &ids, &word))
        wrong(c, s, "queue-id", "'%s' says no queue id; write xforward, envid, auth or received",
              word);
}

void check_relay_listener(struct check *c, struct section *s)
{
    struct relay_listener *l = (struct relay_listener *)s->head;

    check_queue_id(c, s, &l->queue_id);
    if (is_unix(l->head.title)) {
        l->path = read_path(c, s, "relay-listener", l->head.title);
        if (l->hand_over != HAND_OVER_SMARTHOST)
            wrong(c, s, "hand-over", "with unix:/path it can only be smarthost; drop it");
        check_files(c, s, l);
        return;
    }
    if (!check_read_at(c, s, "relay-listener", l->head.title, &l->at))
        return;
    if (l->protocol == RELAY_LMTP && l->at.port == 25)
        wrong(c, s, "protocol", "port 25 is for smtp (RFC 2033, 5); listen at another port");
    check_allow(c, s, &l->allow);
    check_way(c, s, l);
    check_map(c, s, l);
    if (l->map_path)
        check_files(c, s, l);
    else
        check_no_file(c, s, l);
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

static void check_report_only(struct check *c, struct section *s, const struct texts *names)
{
    enum demand_report one;
    char all[REPORT_TEXT];

    for (size_t i = 0; i < names->count; i++)
        if (!demand_report_read(span_of(names->at[i]), &one))
            wrong(c, s, "report-only", "'%s' cannot be reported only; these can: %s", names->at[i],
                  demand_report_text((1U << DEMAND_REPORT_COUNT) - 1, all));
}

static void check_smtp_hosts(struct check *c, struct section *s, const char *text)
{
    struct hosts all;
    const char *what;

    if (!hosts_read(span_of(text), 25, &all, &what))
        wrong(c, s, "smtp-hosts",
              "'%s': %s; write \"a.example, [192.0.2.1]:26; lookup-mx:b.example\", %d at most",
              text, what, HOSTS_MAX);
}

static void check_login(struct check *c, struct section *s, const struct domain *d)
{
    if (!*d->auth_username != !*d->auth_password)
        wrong(c, s, *d->auth_username ? "auth-username" : "auth-password",
              "auth-username and auth-password belong together; set both in this section");
    else if (strlen(d->auth_username) > LOGIN_MOST || strlen(d->auth_password) > LOGIN_MOST)
        wrong(c, s, "auth-password", "names and passwords have at most %d bytes", LOGIN_MOST);
}

static void check_disabled(struct check *c, struct section *s, struct texts *types)
{
    const char *bad = fields_types(types, c->arena);

    for (size_t i = 0; i < types->count && !bad; i++)
        bad = strcmp(types->at[i], "r") ? NULL : "r";
    if (bad)
        wrong(c, s, "disable-acct-records",
              "'%s' is no type of records of deliveries; write d, b, t or tq", bad);
}

void check_domain(struct check *c, struct section *s)
{
    struct domain *domain = (struct domain *)s->head;
    bool known = c->macros || !macro_is_in(span_of(domain->head.title));
    char why[1024];

    if (known && !domain_is_right(domain, c->macros, why, sizeof why)) {
        s->bad = true;
        problem_add_line(c->problems, why);
    }
    check_smtp_hosts(c, s, domain->smtp_hosts);
    check_host(c, s, "ehlo-name", domain->ehlo_name);
    check_source_address(c, s, domain->source_address);
    check_fingerprints(c, s, "smtp-tls-fingerprints", &domain->smtp_tls_fingerprints);
    check_report_only(c, s, &domain->report_only);
    check_login(c, s, domain);
    check_disabled(c, s, &domain->disable_acct_records);
}
