/* SPDX-License-Identifier: Apache-2.0
 *
 * policy - the keeper of MTA-STS policies by itself, for tests.
 *
 *     policy SERVER PORT CA-FILE SECONDS FOLDER|- [private]
 *
 * Each line of the standard input is a domain, or "lost DOMAIN": the store lets it go; each answer
 * is a line "= DOMAIN MODE ID MAX-AGE MX,... TROUBLE", what becomes of fetches a line "! DOMAIN
 * TROUBLE: WHY". "end" ends it, as does the end of the input.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/conn.h"
#include "net/watch.h"
#include "sts/keeper.h"

struct desk {
    struct event_base *base;
    struct keeper *keeper;
    struct store *store; /* NULL: there is none */
    struct watch input;
};

/* As at the ceiling of the store. */
static void lose(struct desk *d, struct span domain)
{
    struct store_txn *t = store_begin(d->store);

    if (!t || !store_drop(t, MEMORY_STS, domain) || !store_commit(&t))
        exit(2);
}

static void show(void *arg, const struct kept *kept, enum sts_trouble trouble)
{
    char *domain = arg;

    printf("= %s %s %s %u ", domain, kept ? sts_mode_word(kept->policy.mode) : "-",
           kept ? kept->id : "-", kept ? kept->policy.max_age : 0);
    for (size_t i = 0; kept && i < kept->policy.count; i++)
        printf("%s%s", i ? "," : "", kept->policy.mx[i]);
    printf("; %s\n", sts_trouble_word(trouble));
    fflush(stdout);
    free(domain);
}

static void on_news(void *arg, const struct keeper_news *n)
{
    (void)arg;
    printf("! %s %s: %s\n", n->domain, n->trouble ? sts_trouble_word(n->trouble) : "fetched",
           n->why);
    fflush(stdout);
}

static void on_input(void *arg)
{
    struct desk *d = arg;
    char text[4096];
    ssize_t len = read(0, text, sizeof text);
    struct span rest = {text, len > 0 ? (size_t)len : 0};

    if (len <= 0)
        event_base_loopbreak(d->base);
    while (rest.len > 0) {
        struct span one = span_cut(&rest, '\n');
        char *domain;

        if (span_is(one, "end"))
            event_base_loopbreak(d->base);
        else if (span_starts_nocase(one, "lost "))
            lose(d, span_after(one, 5));
        else if ((domain = strndup(one.at, one.len)))
            keeper_ask(d->keeper, domain, show, domain);
    }
}

static char *read_all(const char *path)
{
    char *text = calloc(1, 1 << 20);
    FILE *in = fopen(path, "r");

    if (!in || fread(text, 1, (1 << 20) - 1, in) == 0)
        exit(2);
    fclose(in);
    return text;
}

static void serve(struct desk *d)
{
    watch_init(&d->input, d->base, on_input, d);
    watch_want(&d->input, 0, CONN_IN);
    event_base_dispatch(d->base);
    watch_want(&d->input, -1, 0);
}

int main(int argc, char **argv)
{
    struct desk d = {.base = loop_new()};
    char why[4400] = "usage";
    struct resolve *resolve;
    struct keeper_rules rules = {.allow_private = argc > 6};
    char *cas;

    if (argc < 6)
        return 2;
    cas = read_all(argv[3]);
    rules.fetch.cas = span_of(cas);
    rules.fetch.port = (unsigned)strtoul(argv[2], NULL, 10);
    rules.fetch.seconds = strtod(argv[4], NULL);
    resolve = resolve_new(d.base, &(struct resolve_conf){.servers = {(const char *[]){argv[1]}, 1}},
                          why, sizeof why);
    if (resolve && strcmp(argv[5], "-") != 0)
        d.store = memory_open(argv[5], true, why, sizeof why);
    d.keeper = keeper_new(d.base, resolve, d.store, &rules, on_news, NULL, why, sizeof why);
    if (!d.keeper) {
        fprintf(stderr, "%s\n", why);
        return 2;
    }
    serve(&d);
    keeper_stop(d.keeper);
    resolve_free(&resolve);
    keeper_free(&d.keeper);
    store_close(&d.store);
    event_base_free(d.base);
    free(cas);
    return 0;
}
