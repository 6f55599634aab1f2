/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/cause.h"

#include <stdio.h>
#include <stdlib.h>

static void drop_failure(void *arg, void *entry)
{
    struct failure *f = entry;

    (void)arg;
    free(f->domain);
    free(f->server);
    free(f->diagnostic);
}

void failures_init(struct roster *r)
{
    roster_init(r, sizeof(struct failure), FAILURES_MOST, drop_failure, NULL);
}

/* Parts of a name; a part is cut where it would leave no room for the next. */
static struct span join(char to[ROSTER_NAME], const struct span *part, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        size_t most = ROSTER_NAME / count - 1;
        size_t part_len = part[i].len < most ? part[i].len : most;

        if (i)
            to[len++] = CAUSE_BETWEEN;
        if (part_len)
            memcpy(to + len, part[i].at, part_len);
        len += part_len;
    }
    return (struct span){to, len};
}

/* "4.7.5" of "4.7.5 (cryptographic failure)". */
static struct span status_of(struct span text)
{
    return span_cut(&text, ' ');
}

struct failure *failures_add(struct roster *r, const struct cause *c)
{
    struct span parts[] = {c->error, status_of(c->status), c->category};
    char name[ROSTER_NAME];
    struct failure *f = roster_get(r, join(name, parts, COUNT_OF(parts)));

    if (!f)
        return NULL;
    f->head.count++;
    if (!f->domain) {
        f->domain = roster_text(c->domain);
        f->server = roster_text(c->server);
        f->diagnostic = roster_text(c->diagnostic);
        f->first = c->at;
    }
    if (c->at < f->first)
        f->first = c->at;
    if (c->at > f->last)
        f->last = c->at;
    return f;
}

static void drop_would(void *arg, void *entry)
{
    (void)arg;
    roster_clear(&((struct would *)entry)->who);
}

void woulds_init(struct roster *r)
{
    roster_init(r, sizeof(struct would), WOULDS_MOST, drop_would, NULL);
}

void woulds_add(struct roster *r, bool in, struct span rule, struct span section, struct span who)
{
    struct span parts[] = {in ? SPAN("<") : SPAN(">"), rule, section};
    char name[ROSTER_NAME];
    struct would *w = roster_get(r, join(name, parts, COUNT_OF(parts)));
    struct roster_head *client;

    if (!w)
        return;
    if (!w->who.most)
        roster_init(&w->who, sizeof *client, WHO_MOST, NULL, NULL);
    w->head.count++;
    client = roster_get(&w->who, who);
    if (client)
        client->count++;
}

static bool holds(struct span text, const char *word)
{
    return memmem(text.at, text.len, word, strlen(word)) != NULL;
}

const char *would_rule(struct span policy, struct span error)
{
    if (span_starts_nocase(error, "certificate-") && holds(policy, "verify-reported"))
        return "smtp-tls-verify";
    if (span_is(error, "starttls-gone"))
        return "starttls-memory";
    if (holds(policy, "encrypt-reported"))
        return "require-starttls";
    if (holds(policy, "verify-reported"))
        return "smtp-tls-verify";
    return holds(policy, "memory-reported") ? "starttls-memory" : "report-only";
}
