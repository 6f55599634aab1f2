/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/manners.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "net/tls.h"

struct manner {
    LIST_ENTRY(manner) link, reader_link;
    struct tls_client_conf conf; /* its texts are the settings' */
    struct tls *tls;             /* ours */
};

/* Each of many domains may have a certificate of its own. */
enum { WAYS = 4096 };

struct manners {
    LIST_HEAD(, manner) at[WAYS]; /* by tls_client_hash() */
    struct tls *public;           /* one of them */
    LIST_HEAD(, manner) readers;  /* the first of each ca_file, whose CAs the others share */
};

static struct tls_client_conf conf_of(const struct domain *rule, enum demand_level level)
{
    struct tls_client_conf conf = {
        .cert = {.file = "", .password = ""},
        .ca_file = rule->smtp_tls_ca_file,
        .ciphers = rule->smtp_tls_ciphers,
        .ciphersuites = "",
        .least = (enum tls_protocol)rule->smtp_tls_min_protocol,
        .security_level = level < DEMAND_ENCRYPT ? 0 : -1,
        .offload = rule->smtp_tls_offload,
    };

    if (rule->smtp_client_certificate.count > 0)
        conf.cert = rule->smtp_client_certificate.at[0];
    return conf;
}

static struct tls *find(const struct manners *m, const struct tls_client_conf *conf)
{
    const struct manner *one;

    LIST_FOREACH(one, &m->at[tls_client_hash(conf) % WAYS], link)
    if (tls_client_is_same(&one->conf, conf))
        return one->tls;
    return NULL;
}

struct tls *manners_find(const struct manners *m, const struct domain *rule,
                         enum demand_level level)
{
    struct tls_client_conf conf = conf_of(rule, level);

    return find(m, &conf);
}

static const struct manner *find_reader(const struct manners *m, const char *ca_file)
{
    const struct manner *one;

    LIST_FOREACH(one, &m->readers, reader_link)
    if (!strcmp(one->conf.ca_file, ca_file))
        break;
    return one;
}

static bool is_about(const char *what, const char *file)
{
    size_t len = strlen(file);

    return len > 0 && strncmp(what, file, len) == 0 && what[len] == ':';
}

/* Where the option stands that a mistake is about: it names the file, if it is about one. */
static unsigned line_of(const struct domain *rule, const struct tls_client_conf *conf,
                        const char *what)
{
    size_t offset = is_about(what, conf->ca_file) ? offsetof(struct domain, smtp_tls_ca_file)
                    : is_about(what, conf->cert.file)
                        ? offsetof(struct domain, smtp_client_certificate)
                        : offsetof(struct domain, smtp_tls_ciphers);
    size_t row = 0;

    while (domain_options[row].offset != offset)
        row++;
    return option_line(&rule->head, row);
}

static bool add(struct manners *m, const struct domain *rule, enum demand_level level, char *why,
                size_t size)
{
    struct manner *one;
    struct tls_client_conf conf = conf_of(rule, level);
    char what[1024] = "out of memory";

    if (find(m, &conf))
        return true;
    const struct manner *reader = find_reader(m, conf.ca_file);

    one = calloc(1, sizeof *one);
    if (one &&
        (one->tls = tls_client_beside(&conf, reader ? reader->tls : NULL, what, sizeof what))) {
        one->conf = conf;
        if (!reader)
            LIST_INSERT_HEAD(&m->readers, one, reader_link);
        LIST_INSERT_HEAD(&m->at[tls_client_hash(&conf) % WAYS], one, link);
        return true;
    }
    free(one);
    snprintf(why, size, "%s:%u: domain %s: %s", rule->head.file, line_of(rule, &conf, what),
             rule->head.title, what);
    return false;
}

/* What a domain publishes can make more of a demand, and nothing makes less of it. */
static bool add_rule(struct manners *m, const struct domain *rule, char *why, size_t size)
{
    struct demand least;

    (void)!decide(rule, &(struct candidate_facts){.tlsa = TLSA_NONE}, &least);
    return add(m, rule, DEMAND_ENCRYPT, why, size) &&
           (least.level == DEMAND_ENCRYPT || add(m, rule, DEMAND_MAY, why, size));
}

struct manners *manners_new(const struct settings *s, char *why, size_t size)
{
    struct manners *m = calloc(1, sizeof *m);
    bool ok = m != NULL;

    for (size_t i = 0; ok && i < domains_count(s->domains); i++)
        ok = add_rule(m, domains_at(s->domains, i), why, size);
    if (ok)
        m->public = manners_find(m, domains_at(s->domains, 0), DEMAND_ENCRYPT);
    else
        manners_free(&m);
    return m;
}

struct manners *manners_of(const struct domain *const rules[], size_t count, char *why, size_t size)
{
    struct manners *m = calloc(1, sizeof *m);
    bool ok = m != NULL;

    for (size_t i = 0; ok && i < count; i++)
        ok = add_rule(m, rules[i], why, size);
    if (ok)
        m->public = manners_find(m, rules[0], DEMAND_ENCRYPT);
    else
        manners_free(&m);
    return m;
}

struct tls *manners_public(const struct manners *m)
{
    return m->public;
}

void manners_show(const struct manners *m, dated_fn *show, void *arg)
{
    const struct manner *one;

    for (size_t i = 0; i < WAYS; i++)
        LIST_FOREACH(one, &m->at[i], link)
    if (one->conf.security_level < 0) /* of each certificate there is such a one */
        tls_show(one->tls, show, arg);
}

void manners_free(struct manners **m)
{
    struct manner *one;

    if (!*m)
        return;
    for (size_t i = 0; i < WAYS; i++) {
        while ((one = LIST_FIRST(&(*m)->at[i]))) {
            LIST_REMOVE(one, link);
            tls_free(&one->tls);
            free(one);
        }
    }
    free(*m);
    *m = NULL;
}
