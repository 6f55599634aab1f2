/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/manners.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "net/tls.h"
#include "rule/decide.h"

enum { KEY = 8192 };

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
        /* Where clear text would do, weak TLS is better than none. */
        .security_level = demand.level == DEMAND_MAY ? 0 : -1,
    };

    if (rule->smtp_client_certificate.count > 0)
        conf.cert = rule->smtp_client_certificate.at[0];
    return conf;
}

/* False: too long. A key that were cut off would give one rule the TLS of another. */
static bool make_key(char key[KEY], const struct tls_client_conf *c)
{
    int len = snprintf(key, KEY, "%d %d\n%s\n%s\n%s\n%s", (int)c->least, c->security_level,
                       c->cert.file, c->cert.password, c->ca_file, c->ciphers);

    return len > 0 && len < KEY;
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

    return make_key(key, &conf) ? find(m, key) : NULL;
}

static bool add(struct manners *m, const struct domain *rule, char *why, size_t size)
{
    struct tls_client_conf conf = conf_of(rule);
    struct manner *one;
    char key[KEY], what[1024] = "out of memory";

    if (!make_key(key, &conf)) {
        snprintf(why, size, "domain %s: the TLS options are too long", rule->head.title);
        return false;
    }
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

struct manners *manners_new(const struct settings *s, char *why, size_t size)
{
    struct manners *m = calloc(1, sizeof *m);
    bool ok = m != NULL;

    for (size_t i = 0; ok && i < domains_count(s->domains); i++)
        ok = add(m, domains_at(s->domains, i), why, size);
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
