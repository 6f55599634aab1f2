/* SPDX-License-Identifier: Apache-2.0 */
#include "run/daemon.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "conf/settings.h"
#include "run/args.h"
#include "run/background.h"
#include "run/brood.h"
#include "run/expiry.h"
#include "run/files.h"
#include "run/notify.h"
#include "run/pidfile.h"
#include "run/reading.h"
#include "tell/log.h"

enum { WHY_LEN = 8192, EVENTS = 64, MINUTE = 60 };

/* How far the end is; each signal to stop takes it one further. */
enum stop { STOP_NOT, STOP_DRAIN, STOP_END, STOP_KILL };

/* What is to be read anew: the files that the configuration names, or that one too. */
enum reload { RELOAD_NOT, RELOAD_FILES, RELOAD_ALL };

struct daemon {
    const struct program *program;
    struct args args;
    struct brood brood;
    struct pidfile pidfile;
    char run_directory[PATH_MAX];
    int signals, herald; /* ours; -1: none */
    sigset_t mask;       /* as it was before, for the children */
    enum stop stop;
    enum reload reload;
    struct files files; /* ours; as they were last read */
    struct expiry expiry;
    bool has_started; /* from then on what is wrong goes to the log, not to who called us */
    int status;
    double minute; /* when the next one begins */
};

/* Each line of `why` is one mistake. */
static void complain(const struct daemon *d, const char *event, const char *why)
{
    struct span rest = span_of(why);

    while (rest.len > 0) {
        struct span line = span_cut(&rest, '\n');

        if (line.len == 0)
            continue;
        if (d->has_started)
            log_say(LOG_FAULT, "", event, {"why", line});
        else
            fprintf(stderr, "%s: %.*s\n", d->program->name, SPAN_ARG(line));
    }
}

static int check(const struct daemon *d)
{
    char why[WHY_LEN] = "";
    struct reading r;
    bool right = reading_settings(&r, &d->args, why, sizeof why) &&
                 reading_prepare(&r, d->program, NULL, true, why, sizeof why);

    if (right) {
        expiry_print(d->program, r.prepared, time(NULL));
        printf("%s: configuration is right\n", d->args.file);
    } else {
        complain(d, "", why);
    }
    reading_clear(&r, d->program);
    return right ? 0 : 1;
}

/* In a child: what is the master's alone goes. */
static void in_child(void *arg)
{
    struct daemon *d = arg;

    close(d->signals);
    if (d->herald >= 0)
        close(d->herald);
    pidfile_forget(&d->pidfile);
    /* A terminal sends these to all of us; the master tells its children. */
    sigaction(SIGINT, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    sigaction(SIGHUP, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    sigprocmask(SIG_SETMASK, &d->mask, NULL);
}

static bool take_signals(struct daemon *d)
{
    static const int ours[] = {SIGHUP, SIGTERM, SIGINT, SIGCHLD};
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < COUNT_OF(ours); i++) {
        sigaction(ours[i], &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
        sigaddset(&set, ours[i]);
    }
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    sigprocmask(SIG_BLOCK, &set, &d->mask);
    d->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return d->signals >= 0 && epoll_ctl(d->brood.loop, EPOLL_CTL_ADD, d->signals, &ev) == 0;
}

static bool go_to_background(struct daemon *d, char *why, size_t size)
{
    d->args.file = background_path(d->args.file);
    d->herald = d->args.file ? background_start() : -1;
    if (d->herald >= 0 && chdir("/") == 0)
        return true;
    snprintf(why, size, "cannot go to the background: %s", strerror(errno));
    return false;
}

/* The generation is the reading's from here. */
static bool add_generation(struct daemon *d, const struct reading *r, char *why, size_t size)
{
    if (!brood_add(&d->brood, r->settings, r->prepared, &r->cage)) {
        snprintf(why, size, "no memory");
        return false;
    }
    files_clear(&d->files);
    d->files = r->files;
    return true;
}

static bool read_first(struct daemon *d, struct reading *r, char *why, size_t size)
{
    const struct global *g;

    if (!reading_settings(r, &d->args, why, size))
        return false;
    g = &r->settings->global;
    log_open(d->program->name, g->log_to, g->log_level);
    snprintf(d->run_directory, sizeof d->run_directory, "%s", g->run_directory);
    return reading_folders(r, why, size) &&
           pidfile_take(&d->pidfile, g->run_directory, d->program->name, why, size) == 0 &&
           reading_prepare(r, d->program, NULL, false, why, size) && cage_master(why, size) == 0 &&
           add_generation(d, r, why, size);
}

static bool read_anew(struct daemon *d, struct reading *r, enum reload what, char *why, size_t size)
{
    const struct generation *current = brood_current(&d->brood);
    const struct anew anew = {.args = what == RELOAD_ALL ? &d->args : NULL,
                              .settings = current->settings,
                              .before = current->prepared,
                              .run_directory = d->run_directory};

    return reading_anew(r, d->program, &anew, why, size) && add_generation(d, r, why, size);
}

static bool start(struct daemon *d)
{
    char why[WHY_LEN] = "";
    struct reading r = {.settings = NULL};

    if (read_first(d, &r, why, sizeof why))
        return true;
    reading_clear(&r, d->program);
    complain(d, "", why);
    return false;
}

static void reload(struct daemon *d)
{
    char why[WHY_LEN] = "";
    struct reading r;
    enum reload what = d->reload;

    d->reload = RELOAD_NOT;
    notify_reloading();
    if (read_anew(d, &r, what, why, sizeof why)) {
        if (what == RELOAD_FILES)
            files_rest(&d->files, clock_mono());
        return;
    }
    reading_clear(&r, d->program);
    complain(d, "reload-failed", why);
    notify("READY=1");
}

static void on_serving(struct daemon *d)
{
    const struct generation *g = d->brood.newest;

    log_open(d->program->name, g->settings->global.log_to, g->settings->global.log_level);
    if (geteuid() == 0 && !*g->settings->global.user)
        log_say(LOG_LIFE, "", "children-are-root",
                {"then", SPAN("set user, so that whoever breaks in is not")});
    log_say(LOG_LIFE, "", d->has_started ? "reloaded" : "ready",
            {"generation", log_number(g->number)}, {"children", log_number((double)g->count)},
            {"pid", log_number(getpid())});
    d->has_started = true;
    expiry_tell(&d->expiry, d->program, g->prepared, true, time(NULL));
    notify("READY=1");
    background_done(&d->herald);
}

static void on_failure(struct daemon *d)
{
    if (d->stop != STOP_NOT)
        return;
    if (d->has_started) {
        complain(d, "reload-failed", "a new child died before it was ready; the old ones go on");
        notify("READY=1");
        return;
    }
    complain(d, "", "a child died before it was ready");
    d->status = 1;
    d->stop = STOP_END;
}

static void on_stop(struct daemon *d)
{
    double now = clock_mono();

    if (d->stop < STOP_KILL)
        d->stop++;
    log_say(LOG_LIFE, "", "stopping",
            {"how", d->stop == STOP_DRAIN ? SPAN("drain")
                    : d->stop == STOP_END ? SPAN("end")
                                          : SPAN("kill")});
    notify("STOPPING=1");
    if (d->stop == STOP_DRAIN && d->program->stopping && brood_current(&d->brood))
        d->program->stopping(brood_current(&d->brood)->prepared);
    if (d->stop == STOP_DRAIN)
        brood_drain(&d->brood, now);
    else if (d->stop == STOP_END)
        brood_end(&d->brood, now);
    else
        brood_kill(&d->brood);
}

static void want_reload(struct daemon *d, enum reload what)
{
    if (d->reload < what)
        d->reload = what;
    if (brood_is_full(&d->brood))
        log_say(LOG_LIFE, "", "reload-waits", {"for", SPAN("older generations")});
}

static void on_signal(struct daemon *d, uint32_t number)
{
    if (number == SIGCHLD) {
        brood_bury(&d->brood, clock_mono());
    } else if (number != SIGHUP) {
        on_stop(d);
    } else if (d->stop == STOP_NOT) {
        want_reload(d, RELOAD_ALL);
    }
}

static void hear_signals(struct daemon *d)
{
    struct signalfd_siginfo info;

    while (read(d->signals, &info, sizeof info) == (ssize_t)sizeof info)
        on_signal(d, info.ssi_signo);
}

static double sooner(double a, double b)
{
    return a < b ? a : b;
}

static void wait_for_events(struct daemon *d)
{
    struct epoll_event events[EVENTS];
    double due =
        sooner(brood_due(&d->brood), sooner(files_due(&d->files), d->minute)) - clock_mono();
    /* At most a minute; a millisecond more, for what is due must be due when we wake. */
    int timeout = due <= 0 ? 0 : (int)(due * 1000) + 1;
    int count = epoll_wait(d->brood.loop, events, EVENTS, timeout);

    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr)
            seat_hear(events[i].data.ptr);
        else
            hear_signals(d);
    }
}

static void pass_minute(struct daemon *d)
{
    const struct generation *g = brood_current(&d->brood);

    if (clock_mono() < d->minute)
        return;
    d->minute = clock_mono() + MINUTE;
    if (!g || g->phase != GENERATION_SERVES)
        return;
    if (d->program->minute)
        d->program->minute(g->prepared);
    expiry_tell(&d->expiry, d->program, g->prepared, false, time(NULL));
}

static void watch_files(struct daemon *d)
{
    const char *path =
        d->has_started && d->stop == STOP_NOT ? files_changed(&d->files, clock_mono()) : NULL;

    if (!path)
        return;
    log_say(LOG_LIFE, "", "file-changed", {"file", span_of(path)});
    want_reload(d, RELOAD_FILES);
}

static void run(struct daemon *d)
{
    while (d->brood.newest) {
        switch (brood_step(&d->brood, clock_mono())) {
        case BROOD_SERVES:
            on_serving(d);
            break;
        case BROOD_FAILED:
            on_failure(d);
            break;
        case BROOD_NO_NEWS:
            break;
        }
        watch_files(d);
        if (d->reload != RELOAD_NOT && d->stop == STOP_NOT && !brood_is_full(&d->brood))
            reload(d);
        pass_minute(d);
        if (d->brood.newest)
            wait_for_events(d);
    }
}

static void clear(struct daemon *d)
{
    brood_clear(&d->brood);
    files_clear(&d->files);
    pidfile_drop(&d->pidfile);
    if (d->signals >= 0)
        close(d->signals);
    if (d->herald >= 0)
        close(d->herald);
}

static int live(struct daemon *d)
{
    char why[WHY_LEN] = "";

    cage_limits();
    /* First of all: a signalfd in epoll stays with the process that put it there. */
    if (d->args.background && !go_to_background(d, why, sizeof why)) {
        complain(d, "", why);
        return 1;
    }
    if (!brood_init(&d->brood, d->program, in_child, d) || !take_signals(d)) {
        fprintf(stderr, "%s: no descriptors: %s\n", d->program->name, strerror(errno));
        return 1;
    }
    if (!start(d))
        return 1;
    d->minute = clock_mono() + MINUTE;
    run(d);
    log_say(LOG_LIFE, "", "stopped", {"status", log_number(d->status)});
    return d->status;
}

int daemon_main(const struct program *program, int argc, char **argv)
{
    struct daemon d = {.program = program, .pidfile.fd = -1, .signals = -1, .herald = -1};
    int status;

    d.brood.loop = -1;
    log_open(program->name, LOG_TO_STDERR, LOG_SESSION);
    status = args_read(&d.args, program, argc, argv);
    if (status != ARGS_GO_ON)
        return status;
    if (d.args.only_check)
        return check(&d);
    status = live(&d);
    clear(&d);
    return status;
}
