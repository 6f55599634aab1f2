/* SPDX-License-Identifier: Apache-2.0
 *
 * load - a crowd of SMTP clients, and how long they had to wait.
 *
 *   load -a 127.0.0.1:25 [-t starttls|implicit] [-s SESSIONS] [-n AT_ONCE] [-m MESSAGES_EACH]
 *        [-k BYTES] [-r RECIPIENT] [-i] [-l]
 *
 * MAIL, RCPT and DATA leave together, as mail servers do it. No TLS session is resumed: each
 * handshake is a full one. -l: LMTP. With -i sessions stop after EHLO and are held until stdin
 * ends. Prints key=value; exit status 1 if any session failed.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/conn.h"
#include "net/loop.h"
#include "net/tls.h"
#include "times.h"

enum { REPLY_MAX = 4096, LINE_LEN = 78, SESSION_LIMIT = 20, COUNT_MAX = 10000000 };

enum step { DIAL, SHAKE, GREETING, HELLO, STARTTLS, ENVELOPE, BODY, QUIT };

static const struct {
    const char *name, *says, *codes; /* the codes that must come, in order */
} steps[] = {
    [DIAL] = {"connect", "", ""},
    [SHAKE] = {"handshake", "", ""},
    [GREETING] = {"greeting", "", "220"},
    [HELLO] = {"EHLO", "EHLO load.example\r\n", "250"},
    [STARTTLS] = {"STARTTLS", "STARTTLS\r\n", "220"},
    [ENVELOPE] = {"envelope", "", "250250354"},
    [BODY] = {"message", "", "250"},
    [QUIT] = {"QUIT", "QUIT\r\n", "221"},
};

static struct {
    struct addr to;
    enum { PLAIN, WITH_STARTTLS, IMPLICIT } tls;
    unsigned long sessions, at_once, messages, bytes;
    const char *recipient;
    bool idle, lmtp;
} want = {
    .sessions = 100, .at_once = 1, .messages = 1, .bytes = 4096, .recipient = "r@example.net"};

static struct {
    struct event_base *loop;
    struct tls *tls;
    char *envelope, *body;
    size_t body_len;
    unsigned long begun, held;
    unsigned long failed;
    struct times session, message;
} all;

struct session {
    struct conn conn;
    struct event *event;
    short watched;
    enum step step;
    const char *codes;  /* those that have not come yet */
    struct span out;    /* what has not gone yet */
    unsigned long left; /* messages */
    double began, message_began;
    size_t heard_len;
    char heard[REPLY_MAX];
};

static void session_begin(void);
static void enter(struct session *s, enum step step);

static void session_end(struct session *s, const char *fault)
{
    if (fault) {
        if (all.failed++ == 0)
            fprintf(stderr, "load: %s: %s\n", steps[s->step].name, fault);
    } else {
        times_note(&all.session, s->began);
    }
    event_free(s->event);
    conn_clear(&s->conn);
    free(s);
    if (all.begun < want.sessions)
        session_begin();
}

static void watch(struct session *s)
{
    const struct timeval limit = {.tv_sec = SESSION_LIMIT};
    const struct timeval *patience = want.idle ? NULL : &limit;
    short events = (short)((s->conn.needs & CONN_IN ? EV_READ : 0) |
                           (s->conn.needs & CONN_OUT ? EV_WRITE : 0) | EV_PERSIST);

    if (events == s->watched)
        return;
    event_del(s->event);
    event_assign(s->event, all.loop, s->conn.fd, events, event_get_callback(s->event), s);
    event_add(s->event, patience);
    s->watched = events;
}

static enum step after_hello(const struct session *s)
{
    if (want.tls == WITH_STARTTLS && !conn_is_secure(&s->conn))
        return STARTTLS;
    return s->left > 0 ? ENVELOPE : QUIT;
}

/* All that was to come at this step has come. False: the session is over. */
static bool advance(struct session *s)
{
    switch (s->step) {
    case DIAL:
        enter(s, want.tls == IMPLICIT ? SHAKE : GREETING);
        break;
    case SHAKE:
        enter(s, want.tls == IMPLICIT ? GREETING : HELLO);
        break;
    case GREETING:
        enter(s, HELLO);
        break;
    case HELLO:
        if (want.idle && after_hello(s) != STARTTLS) {
            all.held++;
            return true;
        }
        enter(s, after_hello(s));
        break;
    case STARTTLS:
        enter(s, SHAKE);
        break;
    case ENVELOPE:
        enter(s, BODY);
        break;
    case BODY:
        times_note(&all.message, s->message_began);
        enter(s, --s->left > 0 ? ENVELOPE : QUIT);
        break;
    case QUIT:
        session_end(s, NULL);
        return false;
    }
    return true;
}

static void enter(struct session *s, enum step step)
{
    s->step = step;
    s->codes = steps[step].codes;
    s->out = span_of(step == HELLO && want.lmtp ? "LHLO load.example\r\n" : steps[step].says);
    if (step == ENVELOPE) {
        s->out = span_of(all.envelope);
        s->message_began = clock_mono();
    } else if (step == BODY) {
        s->out = (struct span){all.body, all.body_len};
    }
}

/* Looks at whole lines. False: the session is over. */
static bool hear(struct session *s)
{
    struct span rest = {s->heard, s->heard_len};
    const char *end;

    while ((end = memchr(rest.at, '\n', rest.len))) {
        struct span line = {rest.at, (size_t)(end - rest.at)};

        rest = span_after(rest, line.len + 1);
        if (line.len > 3 && line.at[3] == '-')
            continue;
        if (line.len < 4 || strlen(s->codes) < 3 || memcmp(line.at, s->codes, 3) != 0) {
            fprintf(stderr, "load: heard %.*s\n", SPAN_ARG(line));
            session_end(s, "another answer than it should be");
            return false;
        }
        s->codes += 3;
        if (*s->codes == 0 && s->out.len == 0 && !advance(s))
            return false;
    }
    memmove(s->heard, rest.at, rest.len);
    s->heard_len = rest.len;
    return true;
}

static enum conn_got send_out(struct session *s)
{
    enum conn_got got = CONN_SOME;
    size_t len;

    while (s->out.len > 0 && (got = conn_write(&s->conn, &s->out, 1, &len)) == CONN_SOME)
        s->out = span_after(s->out, len);
    return got;
}

/* One move of a session; CONN_OVER: the session is gone. */
static enum conn_got move(struct session *s)
{
    enum conn_got got;
    size_t len;

    if (s->step == DIAL || s->step == SHAKE) {
        got = s->step == DIAL ? conn_dialled(&s->conn)
                              : conn_connect_tls(&s->conn, all.tls, "load.test", NULL);
        if (got == CONN_SOME)
            advance(s);
        return got;
    }
    got = send_out(s);
    if (got != CONN_SOME)
        return got;
    got = conn_read(&s->conn, s->heard + s->heard_len, sizeof s->heard - s->heard_len, &len);
    if (got == CONN_OVER || (got == CONN_SOME && len == 0))
        return CONN_FAILED;
    if (got != CONN_SOME)
        return got;
    s->heard_len += len;
    return hear(s) ? CONN_SOME : CONN_OVER;
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    struct session *s = arg;
    enum conn_got got;

    (void)fd;
    if (what & EV_TIMEOUT) {
        session_end(s, "nothing happens");
        return;
    }
    while ((got = move(s)) == CONN_SOME)
        continue;
    if (got == CONN_LATER)
        watch(s);
    else if (got == CONN_FAILED)
        session_end(s, s->conn.why ? s->conn.why : "the other side went away");
    if (all.held == want.sessions) {
        printf("held=%lu\n", all.held);
        fflush(stdout);
        all.held = 0;
    }
}

static void session_begin(void)
{
    struct session *s = calloc(1, sizeof *s);

    if (!s || !(s->event = event_new(all.loop, -1, 0, on_event, s)))
        exit(2);
    all.begun++;
    s->began = clock_mono();
    s->left = want.messages;
    conn_init(&s->conn, -1);
    enter(s, DIAL);
    if (conn_dial(&s->conn, &want.to, NULL) == CONN_FAILED) {
        session_end(s, s->conn.why);
        return;
    }
    s->conn.needs = CONN_OUT;
    watch(s);
}

static void report(double seconds)
{
    double sessions = (double)all.session.count, messages = (double)all.message.count;

    printf("sessions=%.0f\nfailed=%lu\nmessages=%.0f\nseconds=%.3f\n", sessions, all.failed,
           messages, seconds);
    printf("sessions_per_s=%.1f\nmessages_per_s=%.1f\nmb_per_s=%.2f\n", sessions / seconds,
           messages / seconds, messages * (double)all.body_len / 1048576 / seconds);
    times_print(&all.session, "session");
    times_print(&all.message, "message");
}

static void make_message(void)
{
    static const char lines[] =
        "The quick brown fox jumps over the lazy dog, and then again over it, 0123456\r\n";
    static const char head[] = "Subject: load\r\nFrom: <s@example.org>\r\n\r\n", dot[] = ".\r\n";
    size_t size = sizeof head + want.bytes + 2 * LINE_LEN + sizeof dot;
    char *to;

    all.body = to = malloc(size);
    if (!to || asprintf(&all.envelope, "MAIL FROM:<s@example.org>\r\nRCPT TO:<%s>\r\nDATA\r\n",
                        want.recipient) < 0)
        exit(2);
    to = (char *)mempcpy(to, head, sizeof head - 1);
    while ((size_t)(to - all.body) < want.bytes)
        to = (char *)mempcpy(to, lines, sizeof lines - 1);
    to = (char *)mempcpy(to, dot, sizeof dot - 1);
    all.body_len = (size_t)(to - all.body);
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

static void read_args(int argc, char **argv)
{
    bool right = false;
    int letter;

    while ((letter = getopt(argc, argv, "a:t:s:n:m:k:r:il")) != -1) {
        switch (letter) {
        case 'a':
            right = addr_read_port(span_of(optarg), &want.to);
            break;
        case 't':
            want.tls = strcmp(optarg, "implicit") == 0 ? IMPLICIT : WITH_STARTTLS;
            break;
        case 's':
            want.sessions = number(optarg);
            break;
        case 'n':
            want.at_once = number(optarg);
            break;
        case 'm':
            want.messages = number(optarg);
            break;
        case 'k':
            want.bytes = number(optarg);
            break;
        case 'r':
            want.recipient = optarg;
            break;
        case 'i':
            want.idle = true;
            break;
        case 'l':
            want.lmtp = true;
            break;
        default:
            exit(64);
        }
    }
    if (!right || want.sessions * (want.messages + 1) > COUNT_MAX) {
        fprintf(stderr, "load: -a ADDRESS:PORT is needed, and sessions and messages to count\n");
        exit(64);
    }
}

static void on_stdin(evutil_socket_t fd, short what, void *arg)
{
    char bytes[64];

    (void)what;
    if (read(fd, bytes, sizeof bytes) <= 0)
        event_base_loopbreak(arg);
}

int main(int argc, char **argv)
{
    const struct tls_client_conf how = {{"", ""}, "", "", "", TLS_1_2, -1};
    struct event *end = NULL;
    struct rlimit files;
    char why[256];
    double began;

    read_args(argc, argv);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    make_message();
    all.loop = event_base_new();
    all.tls = tls_client_new(&how, why, sizeof why);
    if (!times_init(&all.session, want.sessions) ||
        !times_init(&all.message, want.sessions * want.messages) || !all.loop || !all.tls)
        return 2;
    if (want.idle && (end = event_new(all.loop, 0, EV_READ | EV_PERSIST, on_stdin, all.loop)))
        event_add(end, NULL);
    began = clock_mono();
    while (all.begun < want.sessions && all.begun < want.at_once)
        session_begin();
    event_base_dispatch(all.loop);
    report(clock_mono() - began);
    return all.failed ? 1 : 0;
}
