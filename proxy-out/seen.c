/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/seen.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/siphash.h"

/* A place for many domains: who is pushed out by another is told once more than needed. */
enum { PLACES = 4096, AGAIN = 3600 };

struct seen {
    struct place {
        uint64_t domain; /* its hash */
        double told;
    } at[PLACES];
};

struct seen *seen_new(void)
{
    return calloc(1, sizeof(struct seen));
}

void seen_free(struct seen **s)
{
    free(*s);
    *s = NULL;
}

void seen_clear(struct seen *s)
{
    memset(s, 0, sizeof *s);
}

void seen_tell(struct worker *w, const char *domain, unsigned long seconds)
{
    static const uint64_t key[2] = {0x7365656e, 0x746c73};
    struct span name = span_of(domain);
    uint64_t hash = siphash(key, name);
    struct place *p = &w->seen->at[hash % PLACES];
    double now = clock_mono(), again = seconds / 2 < AGAIN ? (double)(seconds / 2) : AGAIN;
    struct note *n;
    struct told *told;

    if (p->domain == hash && p->told > 0 && now - p->told < again)
        return;
    if (!(n = malloc(sizeof *n + name.len)))
        return;
    *n = (struct note){
        .kind = NOTE_SEEN, .key_len = (uint32_t)name.len, .until = clock_now() + (double)seconds};
    memcpy(n->bytes, name.at, name.len);
    told = teller_tell(w->teller, n);
    *p = (struct place){hash, told ? now : 0};
    teller_leave(w->teller, &told);
    free(n);
}
