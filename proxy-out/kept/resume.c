/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/kept/resume.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "net/conn.h"

/* As many for one key as there are connections to a domain, by default. */
enum { KEPT_MOST = 256, KEPT_EACH = 20 };

struct memory {
    TAILQ_ENTRY(memory) link;
    struct ssl_session_st *session; /* ours */
    char key[];
};

struct resume {
    TAILQ_HEAD(memories, memory) all; /* the last one first */
    unsigned count;
};

struct resume *resume_new(void)
{
    struct resume *r = calloc(1, sizeof *r);

    if (r)
        TAILQ_INIT(&r->all);
    return r;
}

static struct ssl_session_st *forget(struct resume *r, struct memory *m)
{
    struct ssl_session_st *session = m->session;

    TAILQ_REMOVE(&r->all, m, link);
    r->count--;
    free(m);
    return session;
}

void resume_free(struct resume **r)
{
    struct memory *m;

    if (!*r)
        return;
    while ((m = TAILQ_FIRST(&(*r)->all))) {
        struct ssl_session_st *session = forget(*r, m);

        conn_session_free(&session);
    }
    free(*r);
    *r = NULL;
}

struct ssl_session_st *resume_take(struct resume *r, const char *key)
{
    struct memory *m;

    TAILQ_FOREACH(m, &r->all, link)
    if (strcmp(m->key, key) == 0)
        return forget(r, m);
    return NULL;
}

void resume_forget(struct resume *r, const char *key)
{
    struct ssl_session_st *session;

    while ((session = resume_take(r, key)))
        conn_session_free(&session);
}

/* The last of `key`, where there are as many of it as may be; else the last of all. */
static struct memory *surplus(const struct resume *r, const char *key)
{
    struct memory *m, *last = NULL;
    unsigned count = 0;

    TAILQ_FOREACH(m, &r->all, link)
    if (strcmp(m->key, key) == 0) {
        last = m;
        count++;
    }
    if (count < KEPT_EACH)
        last = r->count < KEPT_MOST ? NULL : TAILQ_LAST(&r->all, memories);
    return last;
}

void resume_put(struct resume *r, const char *key, struct ssl_session_st *session)
{
    struct memory *m = session && *key ? malloc(sizeof *m + strlen(key) + 1) : NULL, *old;

    if (!m) {
        conn_session_free(&session);
        return;
    }
    if ((old = surplus(r, key))) {
        struct ssl_session_st *least = forget(r, old);

        conn_session_free(&least);
    }
    m->session = session;
    memcpy(m->key, key, strlen(key) + 1);
    TAILQ_INSERT_HEAD(&r->all, m, link);
    r->count++;
}
