/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/manners.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "net/tls.h"
#include "rule/decide.h"

enum { KEY = 2048, NAME = 512 };

struct manner {
    LIST_ENTRY(manner) link;
    struct tls *tls; /* ours */
    char key[];
};

struct manners {
    LIST_HEAD(, manner) all;
};

static struct tls_client_conf conf_of(const struct domain *rule)
{
    struct demand demand = decide(rule);
    struct tls_client_conf conf = {
        .cert = {.file = "", .password = ""},
        .ca_file = rule->smtp_tls_ca_file,
        .ciphers = rule->smtp_tls_ciphers,
        .ciphersuites = "",
        .least = (enum tls_protocol)rule->smtp_tls_min_protocol,
        /* Where clear text would do, weak TLS is better than none (LAB 7). */
        .security_level = demand.level == DEMAND_MAY ? 0 : -1,
    };

    if (rule->smtp_client_certificate.count > 0)
        conf.cert = rule->smtp_client_certificate.at[0];
    return conf;
}

static void make_key(char key[KEY], const struct tls_client_conf *c)
{
    snprintf(key, KEY, "%s\n%s\n%s\n%s\n%d %d", c->cert.file, c->cert.password, c->ca_file,
             c->ciphers, (int)c->least, c->security_level);
}

static struct tls *find(const struct manners *m, const char *key)
{
    const struct manner *one;

    LIST_FOREACH(one, &m->all, link)
    if (strcmp(one->key, key) == 0)
        return one->tls;
    return NULL;
}

struct tls *manners_find(const struct manners *m, const struct domain *rule)
{
    struct tls_client_conf conf = conf_of(rule);
    char key[KEY];

    make_key(key, &conf);
    return find(m, key);
}

static bool add(struct manners *m, const struct domain *rule, char *why, size_t size)
{
    struct tls_client_conf conf = conf_of(rule);
    struct manner *one;
    char key[KEY], what[1024] = "out of memory";

    make_key(key, &conf);
    if (find(m, key))
        return true;
    one = calloc(1, sizeof *one + strlen(key) + 1);
    if (one && (one->tls = tls_client_new(&conf, what, sizeof what))) {
        memcpy(one->key, key, strlen(key) + 1);
        LIST_INSERT_HEAD(&m->all, one, link);
        return true;
    }
    free(one);
    snprintf(why, size, "domain %s: %s", rule->head.title, what);
    return false;
}

static bool add_name(struct manners *m, const struct domains *all, const char *name, char *why,
                     size_t size)
{
    struct domain rule;

    domains_find(all, span_of(name), &rule);
    return add(m, &rule, why, size);
}

/* "[10.0.0.0/8]": any address in it. */
static bool add_network(struct manners *m, const struct domains *all, const char *title, char *why,
                        size_t size)
{
    struct span text = {title + 1, strlen(title) - 2};
    struct network net;
    struct addr at = {.port = 0};
    char name[NAME], ip[ADDR_TEXT];

    if (!network_read(text, &net))
        return true;
    memcpy(at.ip, net.ip, sizeof at.ip);
    snprintf(name, sizeof name, "[%s%s]", addr_is_v4(&at) ? "" : "IPv6:", addr_text(&at, ip));
    return add_name(m, all, name, why, size);
}

/* What merges for a domain depends on the most specific pattern that it matches, and whether it
 * is a subdomain there: so one domain of each kind shows all that can come of the sections. */
static bool add_section(struct manners *m, const struct domains *all, const char *title, char *why,
                        size_t size)
{
    char sub[NAME];
    const char *base = title;

    if (!strncmp(title, "[*.]", 4))
        base = title + 4;
    else if (title[0] == '[')
        return add_network(m, all, title, why, size);
    else if (!strncmp(title, "*.", 2))
        base = title + 2;
    snprintf(sub, sizeof sub, "no-such-name-here.%s", strcmp(title, "*") ? base : "invalid");
    if (!add_name(m, all, sub, why, size))
        return false;
    return !strcmp(title, "*") || add_name(m, all, base, why, size);
}

struct manners *manners_new(const struct settings *s, char *why, size_t size)
{
    struct manners *m = calloc(1, sizeof *m);
    bool ok = m && add_section(m, s->domains, "*", why, size) &&
              add_name(m, s->domains, "[192.0.2.1]", why, size) &&
              add_name(m, s->domains, "[IPv6:2001:db8::1]", why, size);

    for (size_t i = 0; ok && i < s->domain_section_count; i++)
        ok = add_section(m, s->domains, s->domain_sections[i].head.title, why, size);
    if (!ok)
        manners_free(&m);
    return m;
}

void manners_free(struct manners **m)
{
    struct manner *one;

    if (!*m)
        return;
    while ((one = LIST_FIRST(&(*m)->all))) {
        LIST_REMOVE(one, link);
        tls_free(&one->tls);
        free(one);
    }
    free(*m);
    *m = NULL;
}
