/* SPDX-License-Identifier: Apache-2.0 */
#include "run/gently.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>

/* With Linux nice is a thread's own, and ends with it. While 100,000 rules were read anew on two
 * cores that were taken, the p99 of sessions was 22 ms, and 15 with the whole master nice, as while
 * nothing was read (doc/PERFORMANCE.md, Rules; the thread itself was not measured there). */
enum { NICE = 10 };

struct task {
    void (*work)(void *arg);
    void *arg;
};

static void *run(void *arg)
{
    const struct task *t = arg;

    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    t->work(t->arg);
    return NULL;
}

void gently(void (*work)(void *arg), void *arg)
{
    struct task t = {work, arg};
    pthread_t thread;
    bool made = pthread_create(&thread, NULL, run, &t) == 0;

    if (made)
        (void)pthread_join(thread, NULL);
    else
        work(arg);
}
