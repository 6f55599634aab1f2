/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/ssl.h>

#include "base/clock.h"
#include "net/conn.h"
#include "net/loop.h"
#include "net/tls.h"

enum { REPLY_MAX = 4096, FAULTS_SHOWN = 3, RCPT_MAX = 128 };

enum step { DIAL, SHAKE, GREETING, HELLO, STARTTLS, AUTH, MAIL, RCPT, DATA, BODY, QUIT };

static const struct {
    const char *name, *says; /* NULL: see words() */
    const char *codes;       /* that must come, in order */
} steps[] = {
    [DIAL] = {"connect", "", ""},
    [SHAKE] = {"handshake", "", ""},
    [GREETING] = {"greeting", "", "220"},
    [HELLO] = {"EHLO", "EHLO load.example\r\n", "250"},
    [STARTTLS] = {"STARTTLS", "STARTTLS\r\n", "220"},
    [AUTH] = {"AUTH", NULL, "235"},
    [MAIL] = {"MAIL", "MAIL FROM:<s@example.org>\r\n", "250"},
    [RCPT] = {"RCPT", NULL, "250"},
    [DATA] = {"DATA", "DATA\r\n", "354"},
    [BODY] = {"message", NULL, "250"},
    [QUIT] = {"QUIT", "QUIT\r\n", "221"},
};

struct client {
    struct conn conn;
    struct event *event;
    short watched;
    enum step step;
    bool counts, stopped;
    bool drained;             /* no read is worth a try before the loop says so */
    const char *codes;        /* those that have not come yet */
    struct span out;          /* what has not gone yet */
    unsigned long piece;      /* of the message, that is `out` */
    unsigned long warm, left; /* messages */
    double since, message_since;
    size_t heard_len;
    char heard[REPLY_MAX];
    char rcpt[RCPT_MAX]; /* "" where all have the same */
};

static struct crowd *crowd;
static struct event_base *loop;
static struct tls *tls;
static struct ssl_session_st *ticket; /* ours: the newest */
static char *auth, *rcpt, *envelope;

bool client_start(struct crowd *c, struct event_base *base, char *why, size_t size)
{
    /* TLS 1.3, or it is no comparison: resuming in 1.2 costs both sides half as much. */
    const struct tls_client_conf how = {{"", ""}, "", "", "", TLS_1_3, -1, false};

    crowd = c;
    loop = base;
    tls = tls_client_new(&how, why, size);
    if (asprintf(&rcpt, "RCPT TO:<%s>\r\n", c->recipient) < 0 ||
        asprintf(&auth, "AUTH PLAIN %s\r\n", c->login ? c->login : "") < 0 ||
        asprintf(&envelope, "%s%s%s", steps[MAIL].says, rcpt, steps[DATA].says) < 0)
        return false;
    return tls;
}

bool client_has_ticket(void)
{
    return ticket;
}

static void enter(struct client *c, enum step step)
{
    c->step = step;
    c->codes = steps[step].codes;
    c->out = span_of(steps[step].says ? steps[step].says : "");
    if (step == HELLO && crowd->lmtp)
        c->out = SPAN("LHLO load.example\r\n");
    if (step == AUTH)
        c->out = span_of(auth);
    if (step == RCPT)
        c->out = span_of(*c->rcpt ? c->rcpt : rcpt);
    if (step == BODY)
        c->out = message_piece(&crowd->message, c->piece = 0);
    if (step == MAIL) {
        c->message_since = clock_mono();
        if (crowd->pipelining) {
            c->step = DATA;
            c->codes = "250250354";
            c->out = span_of(envelope);
        }
    }
}

static void keep_ticket(struct client *c)
{
    struct ssl_session_st *new = conn_session(&c->conn);

    if (new) {
        conn_session_free(&ticket);
        ticket = new;
    }
}

static void end(struct client *c, const char *fault)
{
    if (fault && ++crowd->failed <= FAULTS_SHOWN)
        fprintf(stderr, "load: %s: %s\n", steps[c->step].name, fault);
    if (!fault && c->counts)
        times_note(&crowd->session_times, c->since);
    if (!fault && crowd->resumes && conn_is_secure(&c->conn))
        keep_ticket(c);
    event_free(c->event);
    conn_clear(&c->conn);
    free(c);
    crowd->gone(fault);
}

static bool stop(struct client *c)
{
    c->stopped = true;
    crowd->stopped(c);
    return true;
}

static void enter_message(struct client *c)
{
    enter(c, c->warm + c->left > 0 ? MAIL : QUIT);
}

static void greeted(struct client *c, bool logged_in)
{
    if (crowd->tls == CLIENT_STARTTLS && !conn_is_secure(&c->conn))
        enter(c, STARTTLS);
    else if (crowd->login && !logged_in)
        enter(c, AUTH);
    else if (crowd->stop == STOP_AFTER_EHLO)
        stop(c);
    else
        enter_message(c);
}

/* A message has its 250. */
static void sent(struct client *c)
{
    if (c->warm > 0) {
        if (--c->warm == 0 && crowd->stop == STOP_WHEN_WARM) {
            stop(c);
            return;
        }
    } else {
        c->left--;
        if (c->counts) {
            crowd->sent++;
            times_note(&crowd->message_times, c->message_since);
        }
        if (c->left == 0 && crowd->stop >= STOP_AFTER_MESSAGES) {
            stop(c);
            return;
        }
    }
    enter_message(c);
}

/* All that was to come at this step has come. False: the client is gone. */
static bool advance(struct client *c)
{
    switch (c->step) {
    case DIAL:
        enter(c, crowd->tls == CLIENT_IMPLICIT ? SHAKE : GREETING);
        break;
    case SHAKE:
        crowd->resumed += c->counts && SSL_session_reused(c->conn.tls);
        enter(c, crowd->tls == CLIENT_IMPLICIT ? GREETING : HELLO);
        break;
    case GREETING:
        enter(c, HELLO);
        break;
    case HELLO:
        greeted(c, false);
        break;
    case STARTTLS:
        enter(c, SHAKE);
        break;
    case AUTH:
        greeted(c, true);
        break;
    case MAIL:
        enter(c, RCPT);
        break;
    case RCPT:
        enter(c, DATA);
        break;
    case DATA:
        enter(c, BODY);
        break;
    case BODY:
        sent(c);
        break;
    case QUIT:
        end(c, NULL);
        return false;
    }
    return true;
}

/* Looks at whole lines. False: the client is gone. */
static bool hear(struct client *c)
{
    struct span rest = {c->heard, c->heard_len};
    const char *stop_at;

    while ((stop_at = memchr(rest.at, '\n', rest.len))) {
        struct span line = {rest.at, (size_t)(stop_at - rest.at)};

        rest = span_after(rest, line.len + 1);
        if (line.len < 4 || c->stopped || strlen(c->codes) < 3 ||
            memcmp(line.at, c->codes, 3) != 0) {
            fprintf(stderr, "load: heard %.*s\n", SPAN_ARG(line));
            end(c, "another answer than it should be");
            return false;
        }
        if (line.at[3] == '-')
            continue;
        c->codes += 3;
        if (*c->codes == 0 && c->out.len == 0 && !advance(c))
            return false;
    }
    memmove(c->heard, rest.at, rest.len);
    c->heard_len = rest.len;
    return true;
}

static enum conn_got send_out(struct client *c)
{
    enum conn_got got = CONN_SOME;
    size_t len;

    while (c->out.len > 0 && (got = conn_write(&c->conn, &c->out, 1, &len)) == CONN_SOME) {
        c->out = span_after(c->out, len);
        if (c->out.len == 0 && c->step == BODY)
            c->out = message_piece(&crowd->message, ++c->piece);
    }
    return got;
}

static enum conn_got shake(struct client *c)
{
    enum conn_got got = c->step == DIAL ? conn_dialled(&c->conn)
                                        : conn_connect_tls(&c->conn, tls, "load.test",
                                                           crowd->resumes ? ticket : NULL);

    if (got == CONN_SOME)
        advance(c);
    return got;
}

/* One move; CONN_OVER: the client is gone. */
static enum conn_got move(struct client *c)
{
    enum conn_got got;
    size_t len;

    if (c->step == DIAL || c->step == SHAKE)
        return shake(c);
    got = send_out(c);
    if (got != CONN_SOME)
        return got;
    if (c->drained) {
        c->conn.needs = CONN_IN;
        return CONN_LATER;
    }
    got = conn_read(&c->conn, c->heard + c->heard_len, sizeof c->heard - c->heard_len, &len);
    c->drained = conn_is_drained(&c->conn, got);
    if (got == CONN_OVER || (got == CONN_SOME && len == 0))
        return CONN_FAILED;
    if (got != CONN_SOME)
        return got;
    c->heard_len += len;
    return hear(c) ? CONN_SOME : CONN_OVER;
}

static void watch(struct client *c)
{
    const struct timeval limit = {.tv_sec = CLIENT_PATIENCE};
    short events = (short)((c->conn.needs & CONN_IN ? EV_READ : 0) |
                           (c->conn.needs & CONN_OUT ? EV_WRITE : 0) | EV_PERSIST);

    if (events == c->watched)
        return;
    event_del(c->event);
    event_assign(c->event, loop, c->conn.fd, events, event_get_callback(c->event), c);
    event_add(c->event, &limit);
    c->watched = events;
}

static void run(struct client *c)
{
    enum conn_got got;

    while ((got = move(c)) == CONN_SOME)
        continue;
    if (got == CONN_LATER)
        watch(c);
    else if (got == CONN_FAILED)
        end(c, c->conn.why ? c->conn.why : "the other side went away");
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    struct client *c = arg;

    (void)fd;
    if (what & EV_TIMEOUT) {
        if (!c->stopped)
            end(c, "nothing happens");
        return;
    }
    c->drained = false;
    run(c);
}

void client_go_on(struct client *c)
{
    c->stopped = false;
    enter_message(c);
    run(c);
}

static enum conn_got dial(struct client *c)
{
    struct addr from = {.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127}};
    unsigned which = crowd->sources ? (unsigned)(crowd->begun % crowd->sources) + 2 : 0;

    from.ip[14] = (uint8_t)(which >> 8);
    from.ip[15] = (uint8_t)which;
    return conn_dial(&c->conn, &crowd->to, which ? &from : NULL);
}

void client_begin(double since, bool counts)
{
    struct client *c = calloc(1, sizeof *c);

    if (!c || !(c->event = event_new(loop, -1, 0, on_event, c)))
        exit(2);
    crowd->begun += counts;
    c->since = since;
    c->counts = counts;
    c->warm = counts ? crowd->warm : 0;
    c->left = counts ? crowd->messages : 0;
    if (crowd->numbered)
        (void)snprintf(c->rcpt, sizeof c->rcpt, "RCPT TO:<r@d%lu.example>\r\n", crowd->begun);
    conn_init(&c->conn, -1);
    enter(c, DIAL);
    if (dial(c) == CONN_FAILED) {
        end(c, c->conn.why);
        return;
    }
    c->conn.needs = CONN_OUT;
    watch(c);
}
