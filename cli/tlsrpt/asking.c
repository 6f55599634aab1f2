/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tlsrpt/asking.h"

#include <stdio.h>
#include <stdlib.h>

#include "net/loop.h"

enum { AT_A_TIME = 64 };

struct asked {
    struct event_base *base;
    struct resolve *resolve;
    struct asking *at;
    size_t count, next, open;
    bool asks; /* on the stack already: answers may come at once */
};

struct one {
    struct asked *of;
    struct asking *to;
};

static void ask_more(struct asked *a);

static void add(void *arg, struct span text)
{
    rua_record_add(arg, text);
}

static void on_answer(void *arg, enum resolved how, bool secure, struct span message)
{
    struct one *one = arg;
    struct asked *a = one->of;

    (void)secure;
    one->to->unknown = how != RESOLVED_ABSENT &&
                       (how != RESOLVED_NAMED || !dns_read_texts(message, add, &one->to->record));
    free(one);
    a->open--;
    ask_more(a);
}

static void ask(struct asked *a, struct asking *to)
{
    struct one *one = calloc(1, sizeof *one);
    char name[DNS_NAME];

    to->record = (struct rua_record){.count = 0};
    to->unknown = !one;
    if (!one)
        return;
    *one = (struct one){a, to};
    a->open++;
    snprintf(name, sizeof name, "_smtp._tls.%.*s", DNS_NAME - 12, to->domain);
    resolve_ask(a->resolve, name, DNS_TXT, on_answer, one);
}

static void ask_more(struct asked *a)
{
    if (a->asks)
        return;
    a->asks = true;
    while (a->next < a->count && a->open < AT_A_TIME)
        ask(a, &a->at[a->next++]);
    a->asks = false;
    if (a->open == 0)
        event_base_loopbreak(a->base);
}

void asking_run(struct event_base *base, struct resolve *r, struct asking *at, size_t count)
{
    struct asked a = {.base = base, .resolve = r, .at = at, .count = count};

    ask_more(&a);
    while (a.open > 0)
        event_base_dispatch(base);
}
