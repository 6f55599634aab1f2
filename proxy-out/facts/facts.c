/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/facts/facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keep/memory.h"
#include "net/conn.h"
#include "net/listen.h"
#include "net/watch.h"
#include "proxy-out/facts/notes.h"
#include "proxy-out/facts/policies.h"
#include "way/lookup.h"
#include "run/daemon.h"
#include "conf/settings.h"
#include "proxy-out/facts/trust.h"
#include "tell/log.h"

enum { ASKERS = 1024, OPEN_MOST = 10000, AT_ONCE = 64, LATE_MOST = 64 << 20 };

static const double full_pause = 0.2; /* seconds */

struct house {
    struct event_base *base;
    struct resolve *resolve;
    struct policies *policies;
    struct store *memory; /* NULL: it could not be opened */
    struct notes *notes;
    struct hints *hints; /* borrowed; may be NULL */
    struct forgot forgot;
    struct child *child;
    int fd;
    struct watch callers, orders;
    struct alarm again; /* for callers, when descriptors had run out */
    struct trust trust;
    LIST_HEAD(, asker) askers;
    unsigned count, there; /* askers; those that are not gone */
    bool draining;
};

/* An answer that the socket had no room for. */
struct late {
    STAILQ_ENTRY(late) link;
    size_t len;
    char bytes[];
};

/* A worker that asks. It lives on while one of its questions is open. */
struct asker {
    LIST_ENTRY(asker) link;
    struct house *house;
    struct watch watch;
    int fd; /* ours; -1: it is gone */
    unsigned open;
    STAILQ_HEAD(, late) late; /* in their order; nothing more is heard before they have gone */
    size_t late_bytes;
};

int facts_listen(char *why, size_t size)
{
    return listen_nameless("socket of the facts process", why, size);
}

/* What nobody waits for any more is not waited for: name servers would say how long we live. */
static void leave_if_done(struct house *h)
{
    if (h->draining && h->there == 0)
        event_base_loopbreak(h->base);
}

static void drop_late(struct asker *a)
{
    struct late *l = STAILQ_FIRST(&a->late);

    STAILQ_REMOVE_HEAD(&a->late, link);
    a->late_bytes -= l->len;
    free(l);
}

static void hang_up(struct asker *a)
{
    watch_want(&a->watch, -1, 0);
    while (!STAILQ_EMPTY(&a->late))
        drop_late(a);
    if (a->fd >= 0) {
        close(a->fd);
        a->house->there--;
        notes_hint(a->house->notes, a->house->hints); /* it may have died */
    }
    a->fd = -1;
    leave_if_done(a->house);
    if (a->open > 0)
        return;
    LIST_REMOVE(a, link);
    a->house->count--;
    free(a);
}

/* False: nobody reads there any more. */
static bool say(struct asker *a, const void *bytes, size_t len, bool *has_room)
{
    *has_room = send(a->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
    return *has_room || errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
}

static bool keep_late(struct asker *a, const struct answer *answer)
{
    size_t len = answer_size(answer);
    struct late *l = a->late_bytes + len <= LATE_MOST ? malloc(sizeof *l + len) : NULL;

    if (!l)
        return false;
    l->len = len;
    memcpy(l->bytes, answer, len);
    a->late_bytes += len;
    STAILQ_INSERT_TAIL(&a->late, l, link);
    watch_want(&a->watch, a->fd, CONN_OUT);
    return true;
}

/* To hang up on a worker that has no room would end nothing: it would ask all of it again, at
 * once. */
static void on_answer(void *arg, const struct answer *answer)
{
    struct asker *a = arg;
    bool has_room = false;

    trust_note(&a->house->trust, answer);
    a->open--;
    if (a->fd < 0 || (STAILQ_EMPTY(&a->late) && !say(a, answer, answer_size(answer), &has_room)) ||
        (!has_room && !keep_late(a, answer)))
        hang_up(a);
}

/* True: all that was late has gone. */
static bool catch_up(struct asker *a)
{
    struct late *l;
    bool has_room;

    while ((l = STAILQ_FIRST(&a->late))) {
        if (!say(a, l->bytes, l->len, &has_room)) {
            hang_up(a);
            return false;
        }
        if (!has_room)
            return false;
        drop_late(a);
    }
    watch_want(&a->watch, a->fd, CONN_IN);
    return true;
}

static void refuse(struct asker *a, const struct question *q)
{
    struct answer none;

    answer_failed(&none, q);
    a->open++;
    on_answer(a, &none);
}

/* What is remembered is known at once. */
static void start_answer(struct asker *a, const struct question *q)
{
    struct answer answer;

    if (q->kind == QUESTION_STS) {
        policies_ask(a->house->policies, q, on_answer, a);
        return;
    }
    if (q->kind != QUESTION_SEEN && q->kind != QUESTION_SENT) {
        lookup_start(a->house->resolve, q, on_answer, a);
        return;
    }
    notes_answer(a->house->notes, q, &answer);
    on_answer(a, &answer);
}

/* The kind tells a note from a question. */
union said {
    struct question q;
    struct note note;
    char bytes[NOTE_MAX];
};

/* One question. False: no more of them now, or the asker is gone. */
static bool take_question(struct asker *a)
{
    union said said;
    ssize_t len = recv(a->fd, &said, sizeof said, MSG_DONTWAIT);

    if (len > 0)
        forgot_heed(&a->house->forgot);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (len >= (ssize_t)sizeof said.note && said.note.kind >= NOTE_SEEN &&
        notes_take(a->house->notes, &said.note, (size_t)len))
        return true;
    if (len != sizeof said.q || !memchr(said.q.name, '\0', sizeof said.q.name)) {
        hang_up(a);
        return false;
    }
    if (a->open >= OPEN_MOST) {
        refuse(a, &said.q);
        return false;
    }
    a->open++;
    /* The answer may come before this returns, and end the asker: one hold more on it. */
    a->open++;
    start_answer(a, &said.q);
    a->open--;
    if (a->fd >= 0)
        return STAILQ_EMPTY(&a->late);
    hang_up(a);
    return false;
}

static void on_asker(void *arg)
{
    if (!catch_up(arg))
        return;
    for (unsigned i = 0; i < AT_ONCE && take_question(arg); i++)
        ;
}

/* Everybody on the machine can see the socket, so ask who it is. */
static bool is_ours(int fd)
{
    struct ucred who;
    socklen_t len = sizeof who;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
           (who.uid == geteuid() || who.uid == 0);
}

/* Who calls would be announced for ever. */
static void wait_for_room(struct house *h)
{
    watch_want(&h->callers, -1, 0);
    alarm_set(&h->again, full_pause);
}

static void on_again(void *arg)
{
    struct house *h = arg;

    watch_want(&h->callers, h->fd, CONN_IN);
}

static void on_caller(void *arg)
{
    struct house *h = arg;
    int fd = accept4(h->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct asker *a;

    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            wait_for_room(h);
        return;
    }
    if (!is_ours(fd) || h->count >= ASKERS || !(a = calloc(1, sizeof *a))) {
        close(fd);
        return;
    }
    a->house = h;
    a->fd = fd;
    STAILQ_INIT(&a->late);
    watch_init(&a->watch, h->base, on_asker, a);
    watch_want(&a->watch, fd, CONN_IN);
    LIST_INSERT_HEAD(&h->askers, a, link);
    h->count++;
    h->there++;
}

static void on_orders(void *arg)
{
    struct house *h = arg;

    if (!child_should_drain(h->child))
        return;
    h->draining = true;
    watch_want(&h->orders, -1, 0);
    leave_if_done(h);
}

static void open_memory(struct house *h)
{
    char why[4400];

    h->memory = memory_open(h->child->settings->global.state_directory, true, why, sizeof why);
    if (!h->memory)
        log_say(LOG_FAULT, "", "not-kept", {"why", span_of(why)},
                {"then", SPAN("starttls-memory and duplicate-memory do nothing, and MTA-STS "
                              "policies end with this process")});
}

/* Workers have notes of their own that follow from it. Who does not read asks again anyway. */
static void on_forgotten(void *arg, const char *domain)
{
    static const struct answer gone = {.kind = QUESTION_GONE, .status = ANSWER_OK};
    struct house *h = arg;
    struct asker *a;

    log_say(LOG_LIFE, "", "forgotten", {"domain", span_of(domain)});
    notes_forget(h->notes, domain);
    policies_forget(h->policies, domain);
    LIST_FOREACH(a, &h->askers, link)
    if (a->fd >= 0)
        (void)!send(a->fd, &gone, answer_size(&gone), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static bool start(struct house *h, const char *cas)
{
    char why[512];
    const struct global *g = &h->child->settings->global;

    h->resolve = resolve_new(h->base, &(struct resolve_conf){g->name_server, g->trust_anchor_file},
                             why, sizeof why);
    if (h->resolve) {
        open_memory(h);
        h->policies = policies_new(h->base, h->resolve, h->memory, g, cas, why, sizeof why);
    }
    if (!h->policies)
        log_say(LOG_FAULT, "", "not-started", {"why", span_of(why)});
    return h->policies != NULL && (h->notes = notes_new(h->base, h->memory));
}

static void stop(struct house *h)
{
    if (h->policies)
        policies_stop(h->policies);
    resolve_free(&h->resolve);
    policies_free(&h->policies);
    notes_free(&h->notes);
    store_close(&h->memory);
}

static int serve(struct house *h)
{
    LIST_INIT(&h->askers);
    forgot_begin(&h->forgot, h->base, h->memory, on_forgotten, h);
    notes_heed(h->notes, &h->forgot);
    notes_hint(h->notes, h->hints);
    trust_begin(&h->trust, h->base, h->resolve, h->child->settings);
    watch_init(&h->callers, h->base, on_caller, h);
    alarm_init(&h->again, h->base, on_again, h);
    watch_init(&h->orders, h->base, on_orders, h);
    watch_want(&h->callers, h->fd, CONN_IN);
    watch_want(&h->orders, h->child->orders, CONN_IN);
    child_ready(h->child);
    event_base_dispatch(h->base);
    watch_want(&h->callers, -1, 0);
    alarm_stop(&h->again);
    watch_want(&h->orders, -1, 0);
    trust_end(&h->trust);
    forgot_end(&h->forgot);
    return 0;
}

int facts_run(struct child *child, int fd, const char *cas, struct hints *hints)
{
    struct house h = {.base = loop_new(), .child = child, .fd = fd, .hints = hints};
    int status = h.base && start(&h, cas) ? serve(&h) : 1;

    stop(&h);
    if (h.base)
        event_base_free(h.base);
    return status;
}
