/* SPDX-License-Identifier: Apache-2.0
 *
 * milter - a mail server, as a milter sees it: sessions and messages as fast as it answers.
 *
 *   milter -a /PATH/OF/SOCKET [-s SESSIONS] [-n AT_ONCE] [-m MESSAGES_EACH] [-r RECIPIENTS]
 *          [-f FIELDS] [-g GAP_US]
 *
 * Speaks the protocol's version 6 as Postfix does: a connection for each session, macros before
 * their command in one write, no step that the milter does not want, no wait where it gives no
 * answer. Of each message it sends no body beyond one piece. Each of AT_ONCE is a process. -g:
 * a pause before each message. Prints key=value; exit status 1 if anything was not let pass.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "times.h"

enum { PIECE = 4096, OUT_MOST = 1 << 17, COUNT_MAX = 10000000 };

/* What Postfix offers, and what "no answer" is called at which step. */
enum {
    ALL_ACTIONS = 0x1ff,
    ALL_STEPS = 0x1fffff,
    SYMBOLS = 0x100,
    NO_ANSWER_NEVER = 0,
    VERSION = 6,
};

/* The steps in the protocol's letters, with the bits that leave them out or their answers. */
static const struct step {
    char letter;
    unsigned out, no_answer;
    const char *macros; /* NAME=VALUE with spaces between, as a Postfix sends them */
} steps[] = {
    {'C', 0x1, 0x1000,
     "j=mx.bench.example v=Postfix_3.7.11 _=client.example_[192.0.2.7] {daemon_name}=mx "
     "{daemon_addr}=192.0.2.25 {daemon_port}=25 {client_addr}=192.0.2.7 {client_port}=4711 "
     "{client_name}=client.example"},
    {'H', 0x2, 0x2000,
     "{tls_version}=TLSv1.3 {cipher}=TLS_AES_256_GCM_SHA384 {cipher_bits}=256 {cert_subject}= "
     "{cert_issuer}="},
    {'M', 0x4, 0x4000,
     "i=4XyzBench {mail_mailer}=local {mail_host}=example.com {mail_addr}=a@example.com "
     "{tls_version}=TLSv1.3 {cipher}=TLS_AES_256_GCM_SHA384 {cipher_bits}=256"},
    {'R', 0x8, 0x8000, "i=4XyzBench {rcpt_mailer}=local {rcpt_addr}=r@example.net"},
    {'T', 0x200, 0x10000, "i=4XyzBench"},
    {'L', 0x20, 0x80, ""},
    {'N', 0x40, 0x40000, "i=4XyzBench"},
    {'B', 0x10, 0x80000, ""},
    {'E', 0, NO_ANSWER_NEVER, "i=4XyzBench j=mx.bench.example"},
};

static struct {
    const char *path;
    unsigned long sessions, at_once, messages, recipients, fields, gap;
} want = {.sessions = 100, .at_once = 1, .messages = 10, .recipients = 1, .fields = 12};

struct link {
    int fd;
    unsigned steps;      /* what the milter said: bits of `out` and `no_answer` */
    struct buf out;      /* what goes with the next write */
    char listed[8][512]; /* the macros that it asked for, by stage; "" for our own */
};

static void die(const char *what)
{
    fprintf(stderr, "milter: %s\n", what);
    exit(1);
}

static void add(struct link *l, char letter, struct span bytes)
{
    uint32_t len = htonl((uint32_t)bytes.len + 1);

    if (!buf_add(&l->out, (struct span){(const char *)&len, sizeof len}) ||
        !buf_add(&l->out, (struct span){&letter, 1}) || !buf_add(&l->out, bytes))
        die("no room for what is to be said");
}

static void flush(struct link *l)
{
    while (buf_len(&l->out) > 0) {
        struct span rest = buf_peek(&l->out);
        ssize_t n = write(l->fd, rest.at, rest.len);

        if (n <= 0)
            die("it closed while we wrote");
        buf_drop(&l->out, (size_t)n);
    }
}

static void take(struct link *l, char *to, size_t len)
{
    while (len > 0) {
        ssize_t n = read(l->fd, to, len);

        if (n <= 0)
            die("it closed where an answer should be");
        to += n;
        len -= (size_t)n;
    }
}

/* One packet; its letter comes back, and what is behind it. */
static char hear(struct link *l, char *bytes, size_t size, size_t *len)
{
    uint32_t all;
    char letter;

    flush(l);
    take(l, (char *)&all, sizeof all);
    *len = ntohl(all) - 1;
    if (*len > size)
        die("an answer is too long");
    take(l, &letter, 1);
    take(l, bytes, *len);
    return letter;
}

/* At the end of a message changes may come before the answer. */
static void expect_pass(struct link *l, char step)
{
    char bytes[4096], letter;
    size_t len;

    do {
        letter = hear(l, bytes, sizeof bytes, &len);
    } while (step == 'E' && letter == 'e');
    if (letter != 'c' && letter != 'a')
        die("it did not let a step pass");
}

/* 0 connect, 1 helo, 2 mail, 3 rcpt, 4 data, 5 end, 6 end of header: the stages of macros. */
static unsigned stage_of(char letter)
{
    const char *stages = "CHMRTEN", *at = strchr(stages, letter);

    return at ? (unsigned)(at - stages) : 7;
}

/* Is the macro one of those that were asked for, or were none? */
static bool is_wanted(const struct link *l, char letter, struct span name)
{
    struct span rest = span_of(l->listed[stage_of(letter)]);

    if (rest.len == 0)
        return true;
    while (rest.len > 0)
        if (span_same(span_cut(&rest, ' '), name))
            return true;
    return false;
}

static void add_macros(struct link *l, const struct step *s)
{
    struct span rest = span_of(s->macros);
    char bytes[1024];
    size_t len = 0;

    bytes[len++] = s->letter;
    while (rest.len > 0) {
        struct span value = span_cut(&rest, ' '), name = span_cut(&value, '=');

        if (is_wanted(l, s->letter, name))
            len += (size_t)snprintf(bytes + len, sizeof bytes - len, "%.*s%c%.*s%c", SPAN_ARG(name),
                                    0, SPAN_ARG(value), 0);
    }
    if (len > 1)
        add(l, 'D', (struct span){bytes, len});
}

static void say(struct link *l, char letter, struct span bytes)
{
    const struct step *s = steps;

    while (s->letter != letter)
        s++;
    if (l->steps & s->out)
        return;
    add_macros(l, s);
    add(l, letter, bytes);
    if (!(l->steps & s->no_answer))
        expect_pass(l, letter);
}

/* Behind the three numbers: a stage's number and its macros, again and again. */
static void read_lists(struct link *l, struct span rest)
{
    while (rest.len > 4) {
        uint32_t stage;

        memcpy(&stage, rest.at, sizeof stage);
        rest = span_after(rest, sizeof stage);
        stage = ntohl(stage);

        struct span list = span_cut(&rest, '\0');

        if (stage < 7)
            snprintf(l->listed[stage], sizeof l->listed[stage], "%.*s", SPAN_ARG(list));
    }
}

static void negotiate(struct link *l)
{
    uint32_t three[3] = {htonl(VERSION), htonl(ALL_ACTIONS), htonl(ALL_STEPS)};
    char bytes[4096];
    size_t len;

    add(l, 'O', (struct span){(const char *)three, sizeof three});
    if (hear(l, bytes, sizeof bytes, &len) != 'O' || len < sizeof three)
        die("it did not negotiate");
    memcpy(three, bytes, sizeof three);
    l->steps = ntohl(three[2]);
    if (ntohl(three[1]) & SYMBOLS)
        read_lists(l, (struct span){bytes + sizeof three, len - sizeof three});
}

static void play_message(struct link *l)
{
    static const char body[PIECE] = "text";
    char field[64];
    int len;

    say(l, 'M', SPAN("<a@example.com>\0BODY=8BITMIME\0"));
    for (unsigned long i = 0; i < want.recipients; i++)
        say(l, 'R', SPAN("<r@example.net>\0"));
    say(l, 'T', SPAN(""));
    for (unsigned long i = 0; i < want.fields; i++) {
        len = snprintf(field, sizeof field, "X-Field-%lu%ctext of this field", i, 0);
        say(l, 'L', (struct span){field, (size_t)len + 1});
    }
    say(l, 'N', SPAN(""));
    say(l, 'B', (struct span){body, sizeof body});
    say(l, 'E', SPAN(""));
}

static int dial(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(to.sun_path, sizeof to.sun_path, "%s", want.path);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0)
        die("cannot connect");
    return fd;
}

static void play_session(struct times *session, struct times *message)
{
    struct link l = {.fd = dial()};
    double began = clock_mono();

    buf_init(&l.out, OUT_MOST);
    negotiate(&l);
    say(&l, 'C', SPAN("client.example\0004\022\147192.0.2.7\0"));
    say(&l, 'H', SPAN("client.example\0"));
    for (unsigned long i = 0; i < want.messages; i++) {
        if (want.gap > 0)
            usleep((useconds_t)want.gap);

        double since = clock_mono();

        play_message(&l);
        times_note(message, since);
    }
    add(&l, 'Q', SPAN(""));
    flush(&l);
    close(l.fd);
    buf_clear(&l.out);
    times_note(session, began);
}

/* What all of them note, one process behind the other. */
struct notes {
    struct times session, message;
    float *all; /* shared memory */
};

static void play(struct notes *n, unsigned long number)
{
    unsigned long sessions = want.sessions / want.at_once;
    unsigned long each = sessions * (want.messages + 1);
    struct times session = {.ms = n->all + number * each, .most = sessions};
    struct times message = {.ms = session.ms + sessions, .most = sessions * want.messages};

    for (unsigned long i = 0; i < sessions; i++)
        play_session(&session, &message);
}

static bool gather(struct notes *n)
{
    unsigned long sessions = want.sessions / want.at_once;
    const float *at = n->all;

    if (!times_init(&n->session, sessions * want.at_once) ||
        !times_init(&n->message, sessions * want.at_once * want.messages))
        return false;
    for (unsigned long i = 0; i < want.at_once; i++) {
        memcpy(n->session.ms + n->session.count, at, sessions * sizeof *at);
        n->session.count += sessions;
        at += sessions;
        memcpy(n->message.ms + n->message.count, at, sessions * want.messages * sizeof *at);
        n->message.count += sessions * want.messages;
        at += sessions * want.messages;
    }
    return true;
}

static bool play_all(struct notes *n)
{
    bool well = true;
    int status;

    for (unsigned long i = 0; i < want.at_once; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            play(n, i);
            _exit(0);
        }
        well &= pid > 0;
    }
    while (wait(&status) > 0)
        well &= status == 0;
    return well;
}

static void read_args(int argc, char **argv)
{
    int letter;

    while ((letter = getopt(argc, argv, "a:s:n:m:r:f:g:")) != -1) {
        unsigned long number = optarg && letter != 'a' ? strtoul(optarg, NULL, 10) : 0;

        switch (letter) {
        case 'a':
            want.path = optarg;
            break;
        case 's':
            want.sessions = number;
            break;
        case 'n':
            want.at_once = number;
            break;
        case 'm':
            want.messages = number;
            break;
        case 'r':
            want.recipients = number;
            break;
        case 'f':
            want.fields = number;
            break;
        case 'g':
            want.gap = number;
            break;
        default:
            exit(64);
        }
    }
    if (want.path && want.at_once > 0 && want.sessions >= want.at_once &&
        want.sessions * (want.messages + 1) < COUNT_MAX)
        return;
    fprintf(stderr, "milter: -a /PATH is needed, and sessions and messages to count\n");
    exit(64);
}

int main(int argc, char **argv)
{
    struct notes n = {.all = NULL};
    double began;

    read_args(argc, argv);
    n.all = mmap(NULL, want.sessions * (want.messages + 1) * sizeof *n.all, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (n.all == MAP_FAILED)
        return 2;
    began = clock_mono();
    if (!play_all(&n) || !gather(&n))
        return 1;
    printf("sessions=%zu\nmessages=%zu\nseconds=%.3f\n", n.session.count, n.message.count,
           clock_mono() - began);
    times_print(&n.session, "session");
    times_print(&n.message, "message");
    return 0;
}
