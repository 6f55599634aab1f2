/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/pipes/feeder.h"

#include <math.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "acct/command.h"
#include "base/clock.h"
#include "conf/settings.h"
#include "milter/pipes/feed.h"
#include "run/watch.h"
#include "tell/log.h"

/* Seconds: of feeding once it should stop; for a program to end by itself, and by SIGTERM, at
 * most; between two looks at what it read, and at the backlog where that cannot be watched; and
 * where it can, for a folder that could not be read just then says nothing when it can again. */
static const double rest = 1, end_patience = 5, look = 0.1, unwatched = 0.2, watched = 1;

enum phase {
    PHASE_PAUSE,  /* no program runs; until `at` none is started */
    PHASE_FEED,   /* at `at` it has been given up, if it reads nothing until then */
    PHASE_LEAVE,  /* its input was closed, or is after the row that was begun; SIGTERM at `at` */
    PHASE_ENDING, /* SIGTERM was sent; SIGKILL at `at` */
    PHASE_KILLED,
    PHASE_OVER
};

struct feeder {
    struct child *child;
    const struct acct_file *conf;
    struct command command;
    struct feed feed;
    struct reader reader;
    enum phase phase;
    double at;
    double stop_at;    /* HUGE_VAL: it goes on */
    enum feed_end fed; /* the last time */
    uint64_t taken;    /* so far it had read when `at` was set */
    bool deaf;         /* it closed its input */
    bool again;        /* it read on: there may be more to send at once */
    double shrunk;     /* when the backlog was looked at */
    int watch;
};

unsigned feeder_count(const struct settings *s)
{
    unsigned count = 0;

    for (size_t i = 0; i < s->acct_file_count; i++)
        count += command_is(s->acct_files[i].head.title);
    return count;
}

static const struct acct_file *nth_program(const struct settings *s, unsigned n)
{
    for (size_t i = 0; i < s->acct_file_count; i++)
        if (command_is(s->acct_files[i].head.title) && n-- == 0)
            return &s->acct_files[i];
    return NULL;
}

static void enter(struct feeder *f, enum phase phase, double at)
{
    f->phase = phase;
    f->at = at;
}

/* Nothing a program does takes longer than it may take to read. */
static double patience(const struct feeder *f)
{
    double most = (double)f->conf->write_timeout;

    return most < end_patience ? most : end_patience;
}

static void step_pause(struct feeder *f, double now)
{
    if (now >= f->stop_at - rest) {
        enter(f, PHASE_OVER, 0);
    } else if (now >= f->at && feed_begin(&f->feed)) {
        f->deaf = false;
        f->again = true;
        f->taken = 0;
        if (reader_start(&f->reader, &f->command))
            enter(f, PHASE_FEED, now + (double)f->conf->write_timeout);
        else
            enter(f, PHASE_PAUSE, now + (double)f->conf->retry_interval);
    }
}

static void terminate(struct feeder *f, double now)
{
    reader_close_input(&f->reader);
    reader_kill(&f->reader, SIGTERM);
    enter(f, PHASE_ENDING, now + patience(f));
}

static void step_feed(struct feeder *f, double now)
{
    bool idle = !feed_waits(&f->feed), further;

    f->fed = f->deaf ? FEED_BROKEN : feed_send(&f->feed, &f->reader, false);
    (void)!feed_look(&f->feed, &f->reader);
    further = f->feed.taken > f->taken;
    f->taken = f->feed.taken;
    f->again = further && f->fed == FEED_ALL;
    if (idle || further || !feed_waits(&f->feed))
        f->at = now + (double)f->conf->write_timeout;
    if (f->fed == FEED_ANEW || f->fed == FEED_BROKEN || now >= f->stop_at ||
        (now >= f->stop_at - rest && f->fed == FEED_ALL)) {
        enter(f, PHASE_LEAVE, now + patience(f));
    } else if (now >= f->at) {
        log_say(LOG_FAULT, "", "program-stuck", {"program", span_of(f->reader.name)},
                {"why", SPAN("it reads nothing")}, {"then", SPAN("it is ended")});
        terminate(f, now);
    }
}

/* Its input ends behind a whole row, if it reads as far as that. */
static void step_leave(struct feeder *f, double now)
{
    if (f->reader.input >= 0 && feed_send(&f->feed, &f->reader, true) != FEED_FULL)
        reader_close_input(&f->reader);
    if (now >= f->at)
        terminate(f, now);
}

static void step_phase(struct feeder *f, double now)
{
    switch (f->phase) {
    case PHASE_PAUSE:
        step_pause(f, now);
        break;
    case PHASE_FEED:
        step_feed(f, now);
        break;
    case PHASE_LEAVE:
        step_leave(f, now);
        break;
    case PHASE_ENDING:
        if (now < f->at)
            break;
        reader_kill(&f->reader, SIGKILL);
        enter(f, PHASE_KILLED, HUGE_VAL);
        break;
    case PHASE_KILLED:
    case PHASE_OVER:
        break;
    }
}

/* One that ended after the end of its input is done with all of it, and may be started at once
 * where its columns are others now. */
static void bury(struct feeder *f, double now)
{
    bool asked = f->phase != PHASE_FEED && f->fed != FEED_BROKEN, well;
    bool told = f->phase == PHASE_LEAVE && f->reader.input < 0 && f->fed != FEED_BROKEN;

    if (f->reader.input >= 0)
        (void)!feed_look(&f->feed, &f->reader);
    if (!reader_ended(&f->reader, asked, &well))
        return;
    feed_end(&f->feed, told && well);
    enter(f, PHASE_PAUSE,
          told && well && f->fed == FEED_ANEW ? now : now + (double)f->conf->retry_interval);
}

static void shrink(struct feeder *f, double now)
{
    feed_shrink(&f->feed, f->phase != PHASE_PAUSE);
    f->shrunk = now;
}

/* When there is something to do though nothing happens; HUGE_VAL: never. */
static double due(const struct feeder *f, double now)
{
    double until = f->at < f->stop_at ? f->at : f->stop_at;

    if (f->phase == PHASE_PAUSE)
        return f->at <= now ? HUGE_VAL : until; /* else nothing is there */
    if (f->phase == PHASE_FEED && f->again)
        return now;
    if (f->feed.taken < f->feed.sent && until > now + look)
        return now + look;
    if (f->phase == PHASE_FEED && !feed_waits(&f->feed))
        return f->stop_at;
    return until;
}

static int wait_time(const struct feeder *f, double now)
{
    double until = due(f, now), most = now + (f->watch < 0 ? unwatched : watched);

    if (until > most)
        until = most;
    return until > now ? (int)((until - now) * 1000) + 1 : 0;
}

static void wait_for(struct feeder *f, double now)
{
    bool full = (f->phase == PHASE_FEED && f->fed == FEED_FULL) || f->phase == PHASE_LEAVE;
    bool stops = f->stop_at < HUGE_VAL;
    struct pollfd on[] = {
        {.fd = stops ? -1 : f->child->orders, .events = POLLIN},
        {.fd = f->watch, .events = POLLIN},
        {.fd = f->reader.pid ? f->reader.input : -1, .events = full ? POLLOUT : 0},
        {.fd = f->reader.pid ? f->reader.output : -1, .events = POLLIN},
        {.fd = f->reader.pid ? f->reader.end : -1, .events = POLLIN},
    };

    if (f->phase > PHASE_LEAVE)
        on[2].fd = -1;
    if (poll(on, COUNT_OF(on), wait_time(f, now)) > 0)
        f->deaf = f->deaf || on[2].revents & POLLERR;
}

static void work(struct feeder *f)
{
    while (f->phase != PHASE_OVER) {
        double now = clock_mono();

        if (f->stop_at == HUGE_VAL && child_should_drain(f->child))
            f->stop_at = now + rest;
        watch_clear(f->watch, f->feed.backlog.folder);
        if (f->reader.pid) {
            reader_hear(&f->reader);
            bury(f, now);
        }
        step_phase(f, now);
        if (now >= f->shrunk + unwatched)
            shrink(f, now);
        if (f->phase != PHASE_OVER)
            wait_for(f, now);
    }
}

/* False: it should stop. */
static bool hold(struct feeder *f)
{
    struct pollfd on = {.fd = f->child->orders, .events = POLLIN};

    for (bool said = false; !feed_hold(&f->feed); said = true) {
        if (child_should_drain(f->child))
            return false;
        if (!said)
            log_say(LOG_LIFE, "", "program-held", {"program", span_of(f->command.word[0])},
                    {"why", SPAN("an older feeder has its rows")},
                    {"then", SPAN("it is started when that is gone")});
        (void)poll(&on, 1, (int)(look * 1000));
    }
    return true;
}

int feeder_run(struct child *child)
{
    const struct settings *s = child->settings;
    struct feeder f = {.child = child,
                       .conf = nth_program(s, child->number),
                       .stop_at = HUGE_VAL,
                       .reader = {.input = -1, .output = -1, .end = -1}};
    const char *wrong = command_read(f.conf->head.title, &f.command);

    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    if (wrong || !feed_open(&f.feed, s->global.state_directory, f.conf->head.title,
                            f.conf->format == ACCT_JSON, f.conf->max_size))
        return 1;
    f.watch = watch_open(f.feed.backlog.folder);
    child_ready(child);
    if (hold(&f))
        work(&f);
    if (f.watch >= 0)
        close(f.watch);
    feed_close(&f.feed);
    return 0;
}
