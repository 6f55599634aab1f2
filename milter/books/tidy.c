/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/tidy.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "milter/books/finished.h"
#include "tell/log.h"

static const double every = 60;

/* What the file holds. */
struct kept {
    double now, doubt;
};

void tidy_init(struct tidy *t, const char *folder)
{
    char path[4096];

    *t = (struct tidy){0};
    snprintf(path, sizeof path, "%s/clock", folder);
    t->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
}

void tidy_clear(struct tidy *t)
{
    if (t->file >= 0)
        close(t->file);
    t->file = -1;
}

static void start(struct tidy *t)
{
    struct kept kept = {0};

    if (t->file < 0 || pread(t->file, &kept, sizeof kept, 0) != sizeof kept)
        kept = (struct kept){0};
    steady_start(&t->steady, kept.now, kept.doubt, clock_now(), clock_mono());
}

/* If it cannot be kept the next process has more doubts than it needs. */
static void keep(const struct tidy *t)
{
    struct kept kept = {t->steady.now, t->steady.doubt};

    if (t->file >= 0)
        (void)!pwrite(t->file, &kept, sizeof kept, 0);
}

struct all {
    struct book *const *books;
    unsigned count;
};

/* The live file of another section may have such a name. */
static bool is_live(const void *arg, const char *path)
{
    const struct all *all = arg;

    for (unsigned i = 0; i < all->count; i++) {
        if (strcmp(all->books[i]->path, path) == 0)
            return true;
    }
    return false;
}

static bool deletes(const struct book *b)
{
    return b->file.path && b->file.delete_after > 0 && (!b->file.move_to || !*b->file.move_to);
}

/* `anew`: of the process, which says nothing then. */
static void remove_old(struct tidy *t, const struct all *all, bool anew)
{
    bool doubted = t->steady.doubt > 0, said = anew || doubted;
    bool believed = steady_look(&t->steady, clock_now(), clock_mono());

    for (unsigned i = 0; i < all->count; i++) {
        const struct book *b = all->books[i];

        if (!deletes(b))
            continue;
        if (believed)
            finished_remove(b->path, t->steady.now - b->file.delete_after, is_live, all);
        else if (!said)
            log_say(LOG_LIFE, "", "csv-kept", {"why", SPAN("the clock was stepped")},
                    {"then", SPAN("no accounting file is removed for a day")});
        said = true;
    }
}

void tidy_now_and_then(struct tidy *t, struct book *const *books, unsigned count)
{
    struct all all = {books, count};
    bool anew = t->next <= 0;

    if (!anew && clock_mono() < t->next)
        return;
    if (anew)
        start(t);
    t->next = clock_mono() + every;
    remove_old(t, &all, anew);
    keep(t);
}
