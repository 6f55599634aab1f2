/* SPDX-License-Identifier: Apache-2.0 */
#include "run/brood.h"

#include <math.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/settings.h"
#include "tell/log.h"

bool brood_init(struct brood *b, const struct program *program, void (*in_child)(void *arg),
                void *arg)
{
    *b = (struct brood){.program = program, .in_child = in_child, .arg = arg};
    b->loop = epoll_create1(EPOLL_CLOEXEC);
    return b->loop >= 0;
}

static void generation_free(const struct brood *b, struct generation **g)
{
    if ((*g)->prepared)
        b->program->discard((*g)->prepared);
    settings_free(&(*g)->settings);
    free((*g)->seats);
    free(*g);
    *g = NULL;
}

void brood_clear(struct brood *b)
{
    while (b->newest) {
        struct generation *g = b->newest;

        b->newest = g->older;
        generation_free(b, &g);
    }
    if (b->loop >= 0)
        close(b->loop);
    b->loop = -1;
}

static size_t count_seats(const struct program *program, const struct settings *s)
{
    size_t count = 0;

    for (const struct role *r = program->roles; r->name; r++)
        count += r->count(s);
    return count;
}

bool brood_add(struct brood *b, struct settings *settings, void *prepared, const struct cage *cage)
{
    struct generation *g = calloc(1, sizeof *g);
    size_t count = count_seats(b->program, settings);
    struct seat *seats = calloc(count ? count : 1, sizeof *seats);

    if (!g || !seats) {
        free(g);
        free(seats);
        return false;
    }
    *g = (struct generation){.older = b->newest,
                             .number = ++b->generations,
                             .settings = settings,
                             .prepared = prepared,
                             .cage = *cage,
                             .seats = seats};
    for (const struct role *r = b->program->roles; r->name; r++)
        for (unsigned i = 0, most = r->count(settings); i < most; i++)
            seats[g->count++] = (struct seat){.state = SEAT_DUE,
                                              .of = g,
                                              .role = r,
                                              .number = i,
                                              .slot = SLOT_NONE,
                                              .orders = -1};
    b->newest = g;
    return true;
}

bool brood_is_changing(const struct brood *b)
{
    return b->newest && (b->newest->phase == GENERATION_COMES ||
                         b->newest->phase == GENERATION_TAKES || b->newest->failed);
}

bool brood_is_full(const struct brood *b)
{
    unsigned count = 0;

    for (const struct generation *g = b->newest; g; g = g->older)
        count++;
    return count >= DAEMON_GENERATIONS || brood_is_changing(b);
}

struct generation *brood_current(const struct brood *b)
{
    struct generation *g = b->newest;

    while (g && g->older && (g->phase == GENERATION_COMES || g->failed))
        g = g->older;
    return g;
}

/* Is somebody alive that this question is about? */
static bool has_others(const struct generation *g)
{
    for (size_t i = 0; i < g->count; i++)
        if (seat_is_alive(&g->seats[i]) && !g->seats[i].role->serves_others)
            return true;
    return false;
}

static bool is_gone(const struct generation *g)
{
    for (size_t i = 0; i < g->count; i++)
        if (g->seats[i].state != SEAT_EMPTY)
            return false;
    return true;
}

/* All serve; those that must wait for the old ones to go do not count before it takes over. */
static bool all_serve(const struct generation *g)
{
    for (size_t i = 0; i < g->count; i++) {
        const struct seat *s = &g->seats[i];

        if (s->state != SEAT_SERVING && !(g->phase == GENERATION_COMES && s->role->exclusive))
            return false;
    }
    return true;
}

static void drain_seats(struct generation *g, double now)
{
    bool last = !has_others(g);

    for (size_t i = 0; i < g->count; i++)
        if (last || !g->seats[i].role->serves_others)
            seat_drain(&g->seats[i], now);
}

static void leave(struct generation *g, double now)
{
    if (g->phase == GENERATION_LEAVES)
        return;
    g->phase = GENERATION_LEAVES;
    log_say(LOG_LIFE, "", "generation-drains", {"generation", log_number(g->number)});
    drain_seats(g, now);
}

static void end_seats(struct generation *g, double now)
{
    g->phase = GENERATION_LEAVES;
    for (size_t i = 0; i < g->count; i++)
        seat_end(&g->seats[i], now);
}

static void take_over(struct generation *g, double now)
{
    g->phase = GENERATION_TAKES;
    for (struct generation *old = g->older; old; old = old->older)
        leave(old, now);
}

static enum brood_news step_generation(struct brood *b, struct generation *g, double now)
{
    if (g->failed && g->phase != GENERATION_LEAVES) {
        end_seats(g, now);
        return BROOD_FAILED;
    }
    if (g->phase == GENERATION_COMES && all_serve(g))
        take_over(g, now);
    if (g->phase == GENERATION_TAKES && all_serve(g)) {
        g->phase = GENERATION_SERVES;
        b->has_served = true;
        return BROOD_SERVES;
    }
    if (g->phase == GENERATION_LEAVES)
        drain_seats(g, now);
    return BROOD_NO_NEWS;
}

static void free_gone(struct brood *b)
{
    struct generation **at = &b->newest;

    while (*at) {
        struct generation *g = *at;

        if (g->phase == GENERATION_LEAVES && is_gone(g)) {
            *at = g->older;
            log_say(LOG_LIFE, "", "generation-gone", {"generation", log_number(g->number)});
            generation_free(b, &g);
        } else {
            at = &g->older;
        }
    }
}

static void step_seats(struct brood *b, struct generation *g, double now)
{
    for (size_t i = 0; i < g->count; i++)
        seat_step(&g->seats[i], b, now);
}

enum brood_news brood_step(struct brood *b, double now)
{
    enum brood_news news = BROOD_NO_NEWS;

    for (struct generation *g = b->newest; g; g = g->older) {
        enum brood_news one = step_generation(b, g, now);

        if (one != BROOD_NO_NEWS)
            news = one;
    }
    for (struct generation *g = b->newest; g; g = g->older)
        step_seats(b, g, now);
    free_gone(b);
    return news;
}

double brood_due(const struct brood *b)
{
    double first = HUGE_VAL;

    /* One of which nobody starts before it takes over: nothing else would wake us. */
    if (b->newest && b->newest->phase == GENERATION_COMES && all_serve(b->newest))
        return 0;
    for (const struct generation *g = b->newest; g; g = g->older)
        for (size_t i = 0; i < g->count; i++) {
            double due = seat_due(&g->seats[i], b);

            if (due < first)
                first = due;
        }
    return first;
}

static struct seat *find_pid(const struct brood *b, pid_t pid)
{
    for (struct generation *g = b->newest; g; g = g->older)
        for (size_t i = 0; i < g->count; i++)
            if (seat_is_alive(&g->seats[i]) && g->seats[i].pid == pid)
                return &g->seats[i];
    return NULL;
}

void brood_bury(struct brood *b, double now)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct seat *s = find_pid(b, pid);

        if (s)
            seat_bury(s, b, status, now);
    }
}

void brood_drain(struct brood *b, double now)
{
    for (struct generation *g = b->newest; g; g = g->older)
        leave(g, now);
}

void brood_end(struct brood *b, double now)
{
    for (struct generation *g = b->newest; g; g = g->older)
        end_seats(g, now);
}

void brood_kill(struct brood *b)
{
    for (struct generation *g = b->newest; g; g = g->older)
        for (size_t i = 0; i < g->count; i++)
            seat_kill(&g->seats[i]);
}
