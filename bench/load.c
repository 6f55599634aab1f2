/* SPDX-License-Identifier: Apache-2.0
 *
 * load - a crowd of SMTP clients, and how long they had to wait.
 *
 *   load -a 127.0.0.1:25 [-t starttls|implicit] [-s SESSIONS] [-n AT_ONCE] [-m MESSAGES_EACH]
 *        [-k BYTES] [-p] [-R] [-l] [-r RECIPIENT] [-u LOGIN] [-e RATE] [-w MESSAGES_BEFORE]
 *        [-i ehlo|message] [-f ADDRESSES] [-g] [-d]
 *
 *   -p  PIPELINING: MAIL, RCPT and DATA leave together; else one waits for the other's answer
 *   -R  each offers the newest TLS session of those before (one goes first, and does not count);
 *       else each handshake is a full one. It is a fault if none was resumed
 *   -d  the recipient of each session is in a domain of its own, d1.example and so on; without -p
 *   -l  LMTP
 *   -u  AUTH PLAIN with LOGIN, which is in base64
 *   -e  RATE new sessions each second whatever becomes of the others, so that who is kept waiting
 *       shows; their time counts from when they were due
 *   -w  all sessions are opened first, each sends so many messages, and waits for the others;
 *       what counts begins then, in all of them at once
 *   -i  sessions stop after EHLO, or after their messages, and are held until stdin ends
 *   -f  from so many addresses of 127.0.0.0/8 in turn: one has ports for 28,000
 *   -g  says "begin" and waits for a line on stdin before what counts, and "end" after it
 *
 * Every answer is checked. Prints key=value; cpu_us is its own processor time for what counts. Exit
 * status 1 if anything was not as it should be.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "client.h"
#include "net/loop.h"

enum { COUNT_MAX = 10000000, TICK_US = 1000 };

static struct crowd crowd = {.messages = 1, .recipient = "r@example.net"};

static struct {
    unsigned long sessions, at_once, bytes, rate;
    bool gated, held;
} want = {.sessions = 100, .at_once = 1, .bytes = 4096};

static struct {
    struct event_base *loop;
    struct event *on_stopped, *on_tick;
    struct client **stopped; /* ours: the array */
    unsigned long stopped_count, gone;
    bool counts; /* what counts has begun */
    double began, seconds;
    long long cpu_us;
} all = {.seconds = 1e-6};

static long long cpu_us(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (long long)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
           used.ru_utime.tv_usec + used.ru_stime.tv_usec;
}

static void gate(const char *word)
{
    char line[64];

    if (!want.gated)
        return;
    puts(word);
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
        exit(1);
}

static void begin_counting(void)
{
    gate("begin");
    all.counts = true;
    all.cpu_us = cpu_us();
    all.began = clock_mono();
}

static void end_counting(void)
{
    all.counts = false;
    all.seconds = clock_mono() - all.began;
    all.cpu_us = cpu_us() - all.cpu_us;
    gate("end");
}

/* Those that stopped do not count as busy: all come to be, a few at a time. */
static void begin_more(void)
{
    while (!want.rate && crowd.begun < want.sessions &&
           crowd.begun - all.gone - all.stopped_count < want.at_once)
        client_begin(clock_mono(), true);
}

static void begin_due(evutil_socket_t fd, short what, void *arg)
{
    double due;

    (void)fd;
    (void)what;
    (void)arg;
    while (crowd.begun < want.sessions &&
           (due = all.began + (double)crowd.begun / (double)want.rate) <= clock_mono())
        client_begin(due, true);
    if (crowd.begun == want.sessions)
        event_del(all.on_tick);
}

static void stopped(struct client *c)
{
    all.stopped[all.stopped_count++] = c;
    event_active(all.on_stopped, 0, 0);
}

static void on_stopped(evutil_socket_t fd, short what, void *arg)
{
    unsigned long count = all.stopped_count;

    (void)fd;
    (void)what;
    (void)arg;
    if (count < want.sessions) {
        begin_more();
        return;
    }
    if (want.held) {
        printf("held=%lu\n", count);
        fflush(stdout);
        return;
    }
    if (all.counts)
        end_counting();
    else
        begin_counting();
    all.stopped_count = 0;
    for (unsigned long i = 0; i < count; i++)
        client_go_on(all.stopped[i]);
}

/* Of a crowd that waits for all, one that fails is all that fails. */
static void gone(bool failed)
{
    if (failed && (crowd.stop != STOP_NOT || (crowd.resumes && !client_has_ticket())))
        exit(1);
    if (crowd.resumes && !all.counts && all.gone == 0 && crowd.begun == 0) {
        event_base_loopbreak(all.loop);
        return;
    }
    all.gone++;
    begin_more();
}

/* One, so that others have a session to resume. */
static void begin_scout(void)
{
    client_begin(clock_mono(), false);
    event_base_dispatch(all.loop);
    if (!client_has_ticket()) {
        fprintf(stderr, "load: there is no session to resume\n");
        exit(1);
    }
}

static bool report(void)
{
    double sessions = (double)crowd.session_times.count, messages = (double)crowd.sent;
    double mb = messages * (double)crowd.message.len / 1048576;
    bool resumed = !crowd.resumes || crowd.resumed > 0;

    if (!resumed)
        fprintf(stderr, "load: no session was resumed\n");
    printf("sessions=%.0f\nfailed=%lu\nresumed=%lu\nmessages=%.0f\nmb=%.3f\nseconds=%.3f\n",
           sessions, crowd.failed, crowd.resumed, messages, mb, all.seconds);
    printf("sessions_per_s=%.1f\nmessages_per_s=%.1f\nmb_per_s=%.2f\ncpu_us=%lld\n",
           sessions / all.seconds, messages / all.seconds, mb / all.seconds, all.cpu_us);
    times_print(&crowd.session_times, "session");
    times_print(&crowd.message_times, "message");
    return crowd.failed == 0 && resumed &&
           (want.held || (crowd.session_times.count == want.sessions &&
                          crowd.sent == want.sessions * crowd.messages));
}

static unsigned long number(const char *text)
{
    char *end;
    unsigned long n;

    errno = 0;
    n = strtoul(text, &end, 10);
    if (errno || *end || n > COUNT_MAX * 100UL) {
        fprintf(stderr, "load: %s is not a number that will do\n", text);
        exit(64);
    }
    return n;
}

/* Which of the words; one that is none of them ends us. */
static unsigned one_of(const char *text, const char *first, const char *second)
{
    if (strcmp(text, first) == 0)
        return 0;
    if (strcmp(text, second) == 0)
        return 1;
    fprintf(stderr, "load: %s should be %s or %s\n", text, first, second);
    exit(64);
}

static const struct {
    char letter;
    unsigned long *to;
} numbers[] = {
    {'s', &want.sessions}, {'n', &want.at_once},   {'k', &want.bytes},
    {'e', &want.rate},     {'m', &crowd.messages}, {'w', &crowd.warm},
};

static const struct {
    char letter;
    bool *to;
} flags[] = {
    {'p', &crowd.pipelining}, {'R', &crowd.resumes},  {'l', &crowd.lmtp},
    {'g', &want.gated},       {'d', &crowd.numbered},
};

/* False: no such letter. */
static bool take_letter(char letter, bool *to_is_right)
{
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (numbers[i].letter == letter) {
            *numbers[i].to = number(optarg);
            return true;
        }
    for (size_t i = 0; i < COUNT_OF(flags); i++)
        if (flags[i].letter == letter) {
            *flags[i].to = true;
            return true;
        }
    if (letter == 'a')
        *to_is_right = addr_read_port(span_of(optarg), &crowd.to);
    else if (letter == 't')
        crowd.tls = CLIENT_STARTTLS + one_of(optarg, "starttls", "implicit");
    else if (letter == 'i')
        crowd.stop = STOP_AFTER_EHLO + one_of(optarg, "ehlo", "message");
    else if (letter == 'r')
        crowd.recipient = optarg;
    else if (letter == 'u')
        crowd.login = optarg;
    else if (letter == 'f')
        crowd.sources = (unsigned)number(optarg);
    else
        return false;
    return true;
}

/* What cannot be had at once: those that are held, resume, or come at a rate; and of them only the
 * last two without messages. */
static bool go_together(void)
{
    int ways = (crowd.stop != STOP_NOT) + crowd.resumes + (want.rate > 0) + (crowd.warm > 0);

    return ways <= 1 && !(crowd.numbered && crowd.pipelining) &&
           (crowd.messages > 0 || (crowd.warm == 0 && crowd.stop != STOP_AFTER_MESSAGES));
}

static void read_args(int argc, char **argv)
{
    bool right = false;
    int letter;

    while ((letter = getopt(argc, argv, "a:t:s:n:m:k:r:u:e:w:i:f:pRlgd")) != -1)
        if (!take_letter((char)letter, &right))
            exit(64);
    if (!right || want.sessions == 0 || want.at_once == 0 || crowd.sources > 60000 ||
        want.sessions * (crowd.messages + 1) > COUNT_MAX) {
        fprintf(stderr, "load: -a ADDRESS:PORT is needed, and sessions and messages to count\n");
        exit(64);
    }
    if (!go_together()) {
        fprintf(stderr,
                "load: of -i, -R, -e and -w only one, and messages for those to wait for\n");
        exit(64);
    }
    want.held = crowd.stop != STOP_NOT;
    if (crowd.warm > 0)
        crowd.stop = STOP_WHEN_WARM;
}

static void on_stdin(evutil_socket_t fd, short what, void *arg)
{
    char bytes[64];

    (void)what;
    if (read(fd, bytes, sizeof bytes) <= 0)
        event_base_loopbreak(arg);
}

static void open_all_files(void)
{
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

/* False: no memory, or no TLS. */
static bool make(char *why, size_t size)
{
    crowd.stopped = stopped;
    crowd.gone = gone;
    all.loop = loop_new();
    all.stopped = calloc(want.sessions, sizeof *all.stopped);
    return message_init(&crowd.message, want.bytes) &&
           times_init(&crowd.session_times, want.sessions) &&
           times_init(&crowd.message_times, want.sessions * crowd.messages) && all.loop &&
           all.stopped && client_start(&crowd, all.loop, why, size) &&
           (all.on_stopped = event_new(all.loop, -1, 0, on_stopped, NULL)) &&
           (all.on_tick = event_new(all.loop, -1, EV_PERSIST, begin_due, NULL));
}

int main(int argc, char **argv)
{
    struct event *end;
    char why[256] = "no memory";

    read_args(argc, argv);
    open_all_files();
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    if (!make(why, sizeof why)) {
        fprintf(stderr, "load: %s\n", why);
        return 2;
    }
    if (want.held && (!(end = event_new(all.loop, 0, EV_READ | EV_PERSIST, on_stdin, all.loop)) ||
                      event_add(end, NULL) != 0)) {
        fprintf(stderr, "load: -i needs a stdin that can be waited for\n");
        return 2;
    }
    if (crowd.resumes)
        begin_scout();
    if (crowd.stop == STOP_NOT)
        begin_counting();
    if (want.rate)
        event_add(all.on_tick, &(struct timeval){.tv_usec = TICK_US});
    begin_more();
    event_base_dispatch(all.loop);
    if (all.counts)
        end_counting();
    return report() ? 0 : 1;
}
