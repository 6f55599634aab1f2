/* SPDX-License-Identifier: Apache-2.0
 *
 * ask - what the facts process would answer.
 *
 *     ask SERVER ANCHORS
 *
 * Questions are lines of standard input: "mail NAME", "host NAME", "tlsa NAME" (port 25). Each is
 * answered with one line before the next is read: status, "secure" where it is so, then hosts or
 * state, base and records.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/loop.h"
#include "way/lookup.h"

static struct event_base *base;

static void show_tlsa(const struct answer *a)
{
    static const char *const states[] = {"none", "usable", "unusable", "failed"};

    printf(" %s", states[a->tlsa.state]);
    if (a->count > 0)
        printf(" %s", a->tlsa.base);
    for (size_t i = 0; i < a->count; i++)
        printf(" %d%d%d:%02x", a->tlsa.at[i].usage, a->tlsa.at[i].selector, a->tlsa.at[i].matching,
               a->tlsa.at[i].data[0]);
}

static void show_hosts(const struct answer *a)
{
    char at[ADDR_TEXT];

    for (size_t i = 0; i < a->count; i++)
        printf(" %u:%s=%s", a->host[i].preference, a->host[i].name, addr_text(&a->host[i].at, at));
}

static void on_answer(void *arg, const struct answer *a)
{
    static const char *const words[] = {"ok",         "no-domain", "null-mx",
                                        "no-address", "failed",    "bogus"};

    printf("%s%s", words[a->status], a->secure ? " secure" : "");
    if (a->kind == QUESTION_TLSA)
        show_tlsa(a);
    else
        show_hosts(a);
    printf("\n");
    *(bool *)arg = true;
    (void)event_base_loopbreak(base);
}

static bool read_question(struct question *q)
{
    static const char *const kinds[] = {"mail", "host", "tlsa"};
    char line[512], kind[8];

    *q = (struct question){.port = 25};
    if (!fgets(line, sizeof line, stdin) || sscanf(line, "%7s %255s", kind, q->name) != 2)
        return false;
    while (q->kind < 3 && strcmp(kind, kinds[q->kind]) != 0)
        q->kind++;
    return q->kind < 3;
}

int main(int argc, char **argv)
{
    const char *servers[] = {argc > 1 ? argv[1] : ""};
    struct resolve_conf conf = {{servers, 1}, argc > 2 ? argv[2] : ""};
    char why[512];
    struct question q;
    struct resolve *r;

    setvbuf(stdout, NULL, _IOLBF, 0);
    base = loop_new();
    if (!resolve_check(&conf, why, sizeof why) ||
        !(r = resolve_new(base, &conf, why, sizeof why))) {
        printf("%s\n", why);
        return 1;
    }
    while (read_question(&q)) {
        bool over = false;

        lookup_start(r, &q, on_answer, &over);
        if (!over)
            (void)event_base_dispatch(base);
    }
    resolve_free(&r);
    event_base_free(base);
    return 0;
}
