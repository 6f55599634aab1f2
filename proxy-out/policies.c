/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/policies.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "net/tls.h"
#include "sts/keeper.h"
#include "tell/log.h"

enum { CAS_MOST = 16 << 20 };

struct policies {
    struct keeper *keeper;
};

struct pending {
    uint32_t number;
    lookup_fn *fn;
    void *arg;
};

static char *read_file(const char *path)
{
    FILE *in = fopen(path, "re");
    char *text = in ? malloc(CAS_MOST + 1) : NULL;
    size_t len = text ? fread(text, 1, CAS_MOST, in) : 0;

    if (in)
        fclose(in);
    if (!text)
        return NULL;
    text[len] = '\0';
    char *fits = realloc(text, len + 1);

    return fits ? fits : text;
}

char *policies_cas(const struct global *g, char *why, size_t size)
{
    const struct tls_client_conf conf = {.cert = {.file = "", .password = ""},
                                         .ca_file = g->mta_sts_ca_file,
                                         .ciphers = "",
                                         .ciphersuites = "",
                                         .least = TLS_1_2,
                                         .security_level = -1};
    char what[1024];
    struct tls *readable;
    char *text;

    if (!*g->mta_sts_ca_file)
        return strdup("");
    readable = tls_client_new(&conf, what, sizeof what);
    if (!readable) {
        snprintf(why, size, "%s:%u: mta-sts-ca-file: %s", g->head.file, g->head.line, what);
        return NULL;
    }
    tls_free(&readable);
    if (!(text = read_file(g->mta_sts_ca_file)))
        snprintf(why, size, "%s:%u: mta-sts-ca-file: %s: %s", g->head.file, g->head.line,
                 g->mta_sts_ca_file, strerror(errno));
    return text;
}

static void tell_trouble(const struct keeper_news *n)
{
    struct span word = span_of(sts_trouble_word(n->trouble)), why = span_of(n->why);

    /* That a domain's name servers do not answer is seen elsewhere, if it matters. */
    if (n->kept)
        log_say(LOG_SESSION, "", "sts-policy", {"domain", span_of(n->domain)}, {"result", word},
                {"why", why}, {"kept", span_of(n->kept->id)},
                {"mode", span_of(sts_mode_word(n->kept->policy.mode))},
                {"until", log_number(n->kept->fetched + n->kept->policy.max_age)});
    else
        log_say(n->was_fetched ? LOG_SESSION : LOG_STEP, "", "sts-policy",
                {"domain", span_of(n->domain)}, {"result", word}, {"why", why},
                {"kept", SPAN("none")});
}

static void tell(void *arg, const struct keeper_news *n)
{
    (void)arg;
    if (n->trouble != STS_FINE || !n->kept) {
        tell_trouble(n);
        return;
    }
    log_say(LOG_SESSION, "", "sts-policy", {"domain", span_of(n->domain)},
            {"result", SPAN("fetched")}, {"id", span_of(n->kept->id)},
            {"mode", span_of(sts_mode_word(n->kept->policy.mode))},
            {"max-age", log_number(n->kept->policy.max_age)},
            {"mx", log_number((double)n->kept->policy.count)});
}

struct policies *policies_new(struct event_base *base, struct resolve *resolve, struct store *store,
                              const struct global *g, const char *cas, char *why, size_t size)
{
    struct keeper_rules rules = {.fetch = {.cas = span_of(cas),
                                           .port = (unsigned)g->mta_sts_port,
                                           .seconds = (double)g->mta_sts_timeout},
                                 .allow_private = g->mta_sts_allow_private};
    struct policies *p = calloc(1, sizeof *p);

    snprintf(why, size, "out of memory");
    if (p && (p->keeper = keeper_new(base, resolve, store, &rules, tell, p, why, size)))
        return p;
    free(p);
    return NULL;
}

void policies_stop(struct policies *p)
{
    keeper_stop(p->keeper);
}

void policies_free(struct policies **p)
{
    if (*p)
        keeper_free(&(*p)->keeper);
    free(*p);
    *p = NULL;
}

static void fill(struct answer_sts *to, uint32_t *count, const struct kept *kept)
{
    to->mode = kept->policy.mode;
    to->max_age = kept->policy.max_age;
    memcpy(to->id, kept->id, sizeof to->id);
    for (size_t i = 0; i < kept->policy.count; i++)
        memcpy(to->mx[i], kept->policy.mx[i], sizeof to->mx[i]);
    *count = (uint32_t)kept->policy.count;
}

_Static_assert(sizeof((struct sts_policy){0}.mx) == sizeof((struct answer_sts){0}.mx) &&
                   sizeof((struct kept){0}.id) == sizeof((struct answer_sts){0}.id),
               "an answer holds a policy");

static void on_known(void *arg, const struct kept *kept, enum sts_trouble trouble)
{
    struct pending *asked = arg;
    struct answer a = {.number = asked->number, .kind = QUESTION_STS, .status = ANSWER_OK};

    a.sts.trouble = trouble;
    if (kept)
        fill(&a.sts, &a.count, kept);
    asked->fn(asked->arg, &a);
    free(asked);
}

void policies_ask(struct policies *p, const struct question *q, lookup_fn *fn, void *arg)
{
    struct pending *asked = malloc(sizeof *asked);

    if (!asked) {
        struct answer none;

        answer_failed(&none, q);
        fn(arg, &none);
        return;
    }
    *asked = (struct pending){.number = q->number, .fn = fn, .arg = arg};
    keeper_ask(p->keeper, q->name, on_known, asked);
}
