/* SPDX-License-Identifier: Apache-2.0
 *
 * sink - an SMTP server that takes everything and keeps nothing, fast.
 *
 *   sink -a 127.0.0.1:2525 [-t starttls|implicit -c CERTIFICATE_AND_KEY.pem] [-e]
 *
 * -e: at every address of the loopback device (-a 0.0.0.0:2525), as if it were many servers.
 * A PROXY header (version 1 or 2) before the first command is passed over; XCLIENT is taken.
 * Prints "ready" when it listens; when stdin ends, what it took and its own processor time.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "net/conn.h"
#include "net/listen.h"
#include "net/loop.h"
#include "net/tls.h"

enum { READ_LEN = 65536, LINE_LEN = 2048, OUT_LEN = 65536, REPLY_LEN = 512 };

#define END "\r\n.\r\n"
enum { END_LEN = sizeof END - 1 };

static struct {
    struct addr at;
    unsigned how;
    enum { PLAIN, WITH_STARTTLS, IMPLICIT } mode;
    struct event_base *loop;
    struct tls *tls;
    struct tickets *tickets;
    unsigned long connections, messages, headers;
    unsigned long long bytes;
} all;

enum phase { SHAKE, HEAD, TALK, BODY, LAST_WORDS };

struct peer {
    struct conn conn;
    struct event *event;
    short watched;
    enum phase phase;
    enum phase then; /* after the handshake */
    struct buf out;
    size_t held_len; /* a line that has not ended, or the last bytes of a body */
    char held[LINE_LEN];
};

static void peer_end(struct peer *p)
{
    event_free(p->event);
    buf_clear(&p->out);
    conn_clear(&p->conn);
    free(p);
}

static void watch(struct peer *p)
{
    short events = (short)((p->conn.needs & CONN_IN ? EV_READ : 0) |
                           (p->conn.needs & CONN_OUT ? EV_WRITE : 0) | EV_PERSIST);

    if (events == p->watched)
        return;
    event_del(p->event);
    event_assign(p->event, all.loop, p->conn.fd, events, event_get_callback(p->event), p);
    event_add(p->event, NULL);
    p->watched = events;
}

static bool say(struct peer *p, const char *text)
{
    return buf_add(&p->out, span_of(text));
}

static bool greet_ehlo(struct peer *p)
{
    return buf_addf(&p->out,
                    "250-sink.test\r\n250-PIPELINING\r\n250-SIZE\r\n250-8BITMIME\r\n%s"
                    "250-SMTPUTF8\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n"
                    "250 XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT\r\n",
                    all.mode == WITH_STARTTLS && !conn_is_secure(&p->conn) ? "250-STARTTLS\r\n"
                                                                           : "");
}

static bool answer(struct peer *p, struct span line)
{
    if (span_starts_nocase(line, "EHLO"))
        return greet_ehlo(p);
    if (span_starts_nocase(line, "STARTTLS") && all.mode == WITH_STARTTLS) {
        p->phase = SHAKE;
        p->then = TALK;
        return say(p, "220 2.0.0 Go ahead\r\n");
    }
    if (span_starts_nocase(line, "DATA")) {
        p->phase = BODY;
        p->held_len = 2; /* the end of the command's line counts for a dot that comes first */
        memcpy(p->held, "\r\n", 2);
        return say(p, "354 Go ahead\r\n");
    }
    if (span_starts_nocase(line, "QUIT")) {
        p->phase = LAST_WORDS;
        return say(p, "221 2.0.0 Bye\r\n");
    }
    if (span_starts_nocase(line, "XCLIENT"))
        return say(p, "220 sink.test ESMTP\r\n");
    if (span_starts_nocase(line, "AUTH"))
        return say(p, "235 2.7.0 Welcome\r\n");
    return say(p, "250 2.0.0 Ok\r\n");
}

/* How long a PROXY header at the start of `in` is; 0: none, or not all of it is there. */
static size_t header_len(struct span in)
{
    static const char v2[] = "\r\n\r\n\0\r\nQUIT\n";
    const char *end;
    size_t len;

    if (in.len >= 16 && memcmp(in.at, v2, 12) == 0) {
        len = 16 + ((size_t)(unsigned char)in.at[14] << 8 | (unsigned char)in.at[15]);
        return len <= in.len ? len : 0;
    }
    if (in.len < 6 || memcmp(in.at, "PROXY ", 6) != 0)
        return 0;
    end = memchr(in.at, '\n', in.len);
    return end ? (size_t)(end - in.at) + 1 : 0;
}

/* Each of these takes something from the front of `in`; false: the peer must go. */
static bool take_head(struct peer *p, struct span *in)
{
    size_t len = header_len(*in);

    all.headers += len > 0;
    *in = span_after(*in, len);
    p->phase = TALK;
    return true;
}

static bool take_line(struct peer *p, struct span *in)
{
    const char *end = memchr(in->at, '\n', in->len);
    size_t len = end ? (size_t)(end - in->at) + 1 : in->len;
    struct span line;

    if (p->held_len + len > sizeof p->held)
        return false;
    memcpy(p->held + p->held_len, in->at, len);
    p->held_len += len;
    *in = span_after(*in, len);
    if (!end)
        return true;
    line = (struct span){p->held, p->held_len};
    p->held_len = 0;
    return answer(p, line);
}

/* Where the message ends in `in`, or 0: not yet. What was before it is in `held`. */
static size_t find_end(const struct peer *p, struct span in)
{
    char seam[2 * END_LEN];
    size_t front = p->held_len, back = in.len < END_LEN - 1 ? in.len : END_LEN - 1;
    const char *hit;

    memcpy(seam, p->held, front);
    memcpy(seam + front, in.at, back);
    hit = memmem(seam, front + back, END, END_LEN);
    if (hit)
        return (size_t)(hit - seam) + END_LEN - front;
    hit = memmem(in.at, in.len, END, END_LEN);
    return hit ? (size_t)(hit - in.at) + END_LEN : 0;
}

static void hold_last(struct peer *p, struct span in)
{
    char last[2 * END_LEN];
    size_t back = in.len < END_LEN - 1 ? in.len : END_LEN - 1;
    size_t len = p->held_len + back, keep = len < END_LEN - 1 ? len : END_LEN - 1;

    memcpy(last, p->held, p->held_len);
    memcpy(last + p->held_len, in.at + in.len - back, back);
    memcpy(p->held, last + len - keep, keep);
    p->held_len = keep;
}

static bool take_body(struct peer *p, struct span *in)
{
    size_t len = find_end(p, *in);

    all.bytes += len ? len : in->len;
    if (len == 0) {
        hold_last(p, *in);
        *in = span_after(*in, in->len);
        return true;
    }
    *in = span_after(*in, len);
    p->phase = TALK;
    p->held_len = 0;
    all.messages++;
    return say(p, "250 2.0.0 Ok: queued as 0SINK0\r\n");
}

static bool take(struct peer *p, struct span in)
{
    while (in.len > 0) {
        bool good = p->phase == HEAD   ? take_head(p, &in)
                    : p->phase == TALK ? take_line(p, &in)
                    : p->phase == BODY ? take_body(p, &in)
                                       : false;

        if (!good || buf_room(&p->out) < REPLY_LEN)
            return false;
    }
    return true;
}

static enum conn_got send_out(struct peer *p)
{
    enum conn_got got = CONN_SOME;
    size_t len;

    while (buf_len(&p->out) > 0) {
        struct span out = buf_peek(&p->out);

        got = conn_write(&p->conn, &out, 1, &len);
        if (got != CONN_SOME)
            return got;
        buf_drop(&p->out, len);
    }
    return got;
}

static enum conn_got shake(struct peer *p)
{
    enum conn_got got = conn_accept_tls(&p->conn, all.tls, NULL);

    if (got == CONN_SOME) {
        p->phase = p->then;
        if (all.mode == IMPLICIT && !say(p, "220 sink.test ESMTP\r\n"))
            return CONN_FAILED;
    }
    return got;
}

static enum conn_got move(struct peer *p)
{
    static char bytes[READ_LEN];
    enum conn_got got = send_out(p);
    size_t len;

    if (got != CONN_SOME)
        return got;
    if (p->phase == SHAKE)
        return shake(p);
    if (p->phase == LAST_WORDS)
        return CONN_OVER;
    got = conn_read(&p->conn, bytes, sizeof bytes, &len);
    if (got != CONN_SOME)
        return got;
    return take(p, (struct span){bytes, len}) ? CONN_SOME : CONN_FAILED;
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    struct peer *p = arg;
    enum conn_got got;

    (void)fd;
    (void)what;
    while ((got = move(p)) == CONN_SOME)
        continue;
    if (got == CONN_LATER)
        watch(p);
    else
        peer_end(p);
}

static void peer_begin(int fd)
{
    struct peer *p = calloc(1, sizeof *p);

    if (!p || !(p->event = event_new(all.loop, -1, 0, on_event, p)))
        exit(2);
    all.connections++;
    conn_init(&p->conn, fd);
    buf_init(&p->out, OUT_LEN);
    p->then = HEAD;
    p->phase = all.mode == IMPLICIT ? SHAKE : HEAD;
    if (all.mode != IMPLICIT && !say(p, "220 sink.test ESMTP\r\n"))
        exit(2);
    on_event(fd, 0, p);
}

static void on_caller(evutil_socket_t fd, short what, void *arg)
{
    struct addr client;
    bool full;
    int one;

    (void)what;
    (void)arg;
    while ((one = listen_accept(fd, &client, &full)) >= 0)
        peer_begin(one);
}

static bool read_args(int argc, char **argv, const char **cert)
{
    bool right = false;
    int letter;

    while ((letter = getopt(argc, argv, "a:t:c:e")) != -1) {
        if (letter == 'a')
            right = addr_read_port(span_of(optarg), &all.at);
        else if (letter == 't')
            all.mode = strcmp(optarg, "implicit") == 0 ? IMPLICIT : WITH_STARTTLS;
        else if (letter == 'c')
            *cert = optarg;
        else if (letter == 'e')
            all.how = LISTEN_LOOPBACK_DEVICE;
        else
            return false;
    }
    return right && (all.mode == PLAIN || **cert);
}

static bool start_tls(const char *cert, char *why, size_t size)
{
    const struct cert_file file = {cert, ""};
    const struct tls_server_conf how = {
        .certs = {&file, 1},
        .ciphers = "",
        .ciphersuites = "",
        .least = TLS_1_2,
        .ca_file = "",
        .session_context = SPAN("sink"),
    };

    if (all.mode == PLAIN)
        return true;
    all.tickets = tickets_new(); /* as mail servers have them */
    all.tls = tls_server_new(&how, all.tickets, why, size);
    return all.tls;
}

static void on_stdin(evutil_socket_t fd, short what, void *arg)
{
    char bytes[64];

    (void)what;
    if (read(fd, bytes, sizeof bytes) <= 0)
        event_base_loopbreak(arg);
}

static void report(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    printf("connections=%lu\nmessages=%lu\nbytes=%llu\nheaders=%lu\ncpu_us=%lld\n", all.connections,
           all.messages, all.bytes, all.headers,
           (long long)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
               used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
    const char *cert = "";
    struct event *caller, *end;
    struct rlimit files;
    struct listens here = {.count = 0};
    char why[256] = "no loop";
    int fd;

    if (!read_args(argc, argv, &cert)) {
        fprintf(stderr, "sink: -a ADDRESS:PORT is needed, and -c FILE for TLS\n");
        return 64;
    }
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    all.loop = event_base_new();
    if (!all.loop || !start_tls(cert, why, sizeof why) ||
        (fd = listens_open(&here, &all.at, all.how, why, sizeof why)) < 0) {
        fprintf(stderr, "sink: %s\n", why);
        return 1;
    }
    caller = event_new(all.loop, fd, EV_READ | EV_PERSIST, on_caller, NULL);
    end = event_new(all.loop, STDIN_FILENO, EV_READ | EV_PERSIST, on_stdin, all.loop);
    if (!caller || !end || event_add(caller, NULL) != 0 || event_add(end, NULL) != 0)
        return 2;
    printf("ready\n");
    fflush(stdout);
    event_base_dispatch(all.loop);
    report();
    return 0;
}
