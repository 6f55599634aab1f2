/* SPDX-License-Identifier: Apache-2.0 */
#include "net/slack.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

enum { ROOM = 1 << 16, AHEAD = 8000 }; /* AHEAD: as much is read ahead, about */

/* One of them has slack, the other is the far end. */
struct ends {
    int near, far;
    struct slack *s;
};

static struct ends ends_open(void)
{
    int fd[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
    struct ends e = {fd[0], fd[1], slack_new(fd[0])};

    assert_non_null(e.s);
    return e;
}

static void ends_close(struct ends *e)
{
    slack_free(&e->s);
    assert_null(e->s);
    slack_free(&e->s);
    close(e->near);
    if (e->far >= 0)
        close(e->far);
}

static void far_says(const struct ends *e, const char *what, size_t len)
{
    assert_int_equal(write(e->far, what, len), len);
}

static void expect_read(struct ends *e, size_t size, const char *want)
{
    char got[ROOM];
    ssize_t len = slack_recv(e->s, got, size);

    assert_int_equal(len, strlen(want));
    assert_memory_equal(got, want, strlen(want));
}

static void expect_error(struct ends *e, int error)
{
    char got[16];

    assert_int_equal(slack_recv(e->s, got, sizeof got), -1);
    assert_int_equal(errno, error);
}

static void what_was_read_ahead_comes_first(void **state)
{
    struct ends e = ends_open();

    (void)state;
    slack_fetch(e.s);
    expect_error(&e, EAGAIN);
    far_says(&e, "EHLO", 4);
    slack_fetch(e.s);
    far_says(&e, "QUIT", 4);
    slack_fetch(e.s); /* there is some already */
    expect_read(&e, 2, "EH");
    expect_read(&e, 16, "LO"); /* it was all that had come: nothing else is asked for */
    expect_read(&e, 16, "QUIT");
    expect_error(&e, EAGAIN);
    far_says(&e, "RSET", 4);
    slack_fetch(e.s);
    ends_close(&e); /* with it in memory */
}

/* Else a message of a megabyte would take more reads than before. */
static void what_fills_its_place_is_read_on(void **state)
{
    static char much[3 * AHEAD], got[ROOM];
    struct ends e = ends_open();

    (void)state;
    for (size_t i = 0; i < sizeof much; i++)
        much[i] = (char)(i % 251);
    far_says(&e, much, sizeof much);
    slack_fetch(e.s);
    assert_int_equal(slack_recv(e.s, got, 10), 10);
    assert_int_equal(slack_recv(e.s, got + 10, ROOM - 10), sizeof much - 10);
    assert_memory_equal(got, much, sizeof much);

    /* Where so much comes nothing is read ahead, until less comes. */
    far_says(&e, "a", 1);
    slack_fetch(e.s);
    far_says(&e, "b", 1);
    expect_read(&e, 16, "ab");
    far_says(&e, "c", 1);
    slack_fetch(e.s);
    far_says(&e, "d", 1);
    expect_read(&e, 16, "c");
    expect_read(&e, 16, "d");
    ends_close(&e);
}

static void the_end_is_the_end(void **state)
{
    struct ends e = ends_open();

    (void)state;
    far_says(&e, "QUIT", 4);
    close(e.far);
    e.far = -1;
    slack_fetch(e.s);
    expect_read(&e, 16, "QUIT");
    slack_fetch(e.s);
    expect_read(&e, 16, "");
    expect_read(&e, 16, "");
    ends_close(&e);
}

/* Over TCP, whose sockets hold `size` bytes or little more; 0: as usual. */
static struct ends tcp_open(int size)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int door = socket(AF_INET, SOCK_STREAM, 0);
    struct ends e = {.near = socket(AF_INET, SOCK_STREAM, 0)};

    if (size) {
        assert_int_equal(setsockopt(e.near, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
        assert_int_equal(setsockopt(door, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
    }
    assert_int_equal(bind(door, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(door, 1), 0);
    assert_int_equal(getsockname(door, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(connect(e.near, (struct sockaddr *)&at, len), 0);
    assert_int_equal(fcntl(e.near, F_SETFL, O_NONBLOCK), 0);
    assert_true((e.far = accept4(door, NULL, NULL, SOCK_NONBLOCK)) >= 0);
    assert_non_null(e.s = slack_new(e.near));
    close(door);
    return e;
}

/* A socket says ECONNRESET to who reads first, and then only that it is over. */
static void a_reset_is_not_lost(void **state)
{
    struct ends e = tcp_open(0);

    (void)state;
    assert_int_equal(
        setsockopt(e.far, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger)), 0);
    close(e.far);
    e.far = -1;
    slack_fetch(e.s);
    expect_error(&e, ECONNRESET);
    slack_fetch(e.s);
    expect_error(&e, ECONNRESET);
    ends_close(&e);
}

static ssize_t say(struct ends *e, const char *what, size_t len)
{
    struct iovec two[] = {{(char *)what, len / 2}, {(char *)what + len / 2, len - len / 2}};

    return slack_send(e->s, two, 2, MSG_NOSIGNAL);
}

static void expect_far(const struct ends *e, const char *want)
{
    char got[ROOM];
    ssize_t len = read(e->far, got, sizeof got);

    if (!want) {
        assert_int_equal(len, -1);
        return;
    }
    assert_int_equal(len, strlen(want));
    assert_memory_equal(got, want, strlen(want));
}

static void corked_it_waits(void **state)
{
    struct ends e = ends_open();

    (void)state;
    assert_true(slack_flush(e.s)); /* of nothing */
    assert_int_equal(say(&e, "220 ", 4), 4);
    expect_far(&e, "220 ");
    e.s->corked = true;
    assert_int_equal(say(&e, "250 a\r\n", 7), 7);
    assert_int_equal(say(&e, "250 b\r\n", 7), 7);
    expect_far(&e, NULL);
    e.s->corked = false;
    assert_true(slack_flush(e.s));
    expect_far(&e, "250 a\r\n250 b\r\n");
    assert_null(e.s->behind);
    ends_close(&e);
}

/* What is too much to be copied goes at once; what waited goes before it. */
static void much_does_not_wait(void **state)
{
    static char much[2 * AHEAD], got[ROOM];
    static const size_t lens[] = {100, 1000, AHEAD, 2 * AHEAD};
    struct ends e = ends_open();

    (void)state;
    e.s->corked = true;
    for (size_t i = 0; i < COUNT_OF(lens); i++) {
        memset(much, 'a' + (int)i, lens[i]);
        assert_int_equal(say(&e, "12", 2), 2);
        expect_far(&e, NULL);
        assert_int_equal(say(&e, much, lens[i]), lens[i]);
        assert_int_equal(slack_flush(e.s), 1);
        assert_int_equal(read(e.far, got, sizeof got), 2 + lens[i]);
        assert_memory_equal(got, "12", 2);
        assert_memory_equal(got + 2, much, lens[i]);
    }
    assert_int_equal(say(&e, much, 2 * AHEAD), 2 * AHEAD);
    assert_int_equal(read(e.far, got, sizeof got), 2 * AHEAD);
    ends_close(&e);
}

/* Sends until the socket takes no more: how many bytes. */
static size_t fill(struct ends *e)
{
    static char much[2 * AHEAD];
    size_t all = 0;
    ssize_t n;

    while ((n = slack_send(e->s, &(struct iovec){much, sizeof much}, 1, MSG_NOSIGNAL)) > 0)
        all += (size_t)n;
    while ((n = slack_send(e->s, &(struct iovec){much, 1}, 1, MSG_NOSIGNAL)) > 0)
        all += (size_t)n;
    assert_int_equal(errno, EAGAIN);
    return all;
}

static size_t drain(const struct ends *e, char *last, size_t size)
{
    static char got[ROOM];
    size_t all = 0;
    ssize_t n;

    while ((n = read(e->far, got, sizeof got)) > 0) {
        all += (size_t)n;
        if ((size_t)n >= size)
            memcpy(last, got + (size_t)n - size, size);
    }
    return all;
}

static void what_the_socket_does_not_take_stays(void **state)
{
    struct ends e = ends_open();
    char last[7];

    (void)state;
    size_t filled = fill(&e);

    e.s->corked = true;
    assert_int_equal(say(&e, "250 a\r\n", 7), 7);
    e.s->corked = false;
    assert_false(slack_flush(e.s));
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(say(&e, "250 b\r\n", 7), -1); /* not before the other */
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(drain(&e, last, sizeof last), filled);
    assert_int_equal(say(&e, "250 b\r\n", 7), 7);
    assert_null(e.s->behind);
    expect_far(&e, "250 a\r\n250 b\r\n");
    ends_close(&e);
}

/* TCP, too, takes a part of what is sent. */
static void a_part_may_go(void **state)
{
    static char much[AHEAD];
    struct ends e = tcp_open(4608);
    char last[4];

    (void)state;
    memset(much, 'x', sizeof much);
    memcpy(much + sizeof much - 4, "last", 4);

    size_t sent = 0, heard = 0, rounds = 0, parts = 0;

    while (parts == 0 && rounds++ < 100) {
        e.s->corked = true;
        assert_int_equal(say(&e, much, sizeof much), sizeof much);
        sent += sizeof much;
        e.s->corked = false;
        for (unsigned tries = 0; !slack_flush(e.s) && tries < 1000; tries++) {
            assert_int_equal(errno, EAGAIN);
            parts++;
            heard += drain(&e, last, sizeof last);
        }
        assert_null(e.s->behind);
    }
    assert_true(parts > 0);
    for (unsigned tries = 0; heard < sent && tries < 1000; tries++, usleep(1000))
        heard += drain(&e, last, sizeof last);
    assert_int_equal(heard, sent);
    assert_memory_equal(last, "last", 4);
    ends_close(&e);
}

static void a_fault_of_the_socket_is_said(void **state)
{
    struct ends e = ends_open();

    (void)state;
    e.s->corked = true;
    assert_int_equal(say(&e, "250 a\r\n", 7), 7);
    close(e.far);
    e.far = -1;
    assert_false(slack_flush(e.s));
    assert_int_equal(errno, EPIPE);
    assert_non_null(e.s->behind); /* it never went */
    ends_close(&e);
}

/* Else what one crowd took would stay for good. */
static void memory_goes_back(void **state)
{
    enum { CROWD = 80, KEPT = 64 };
    struct ends e[CROWD];

    (void)state;
    (void)slack_rest();
    (void)slack_rest();
    assert_int_equal(slack_rest(), 0);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < CROWD; i++) {
            e[i] = ends_open();
            far_says(&e[i], "QUIT", 4);
            slack_fetch(e[i].s);
        }
        for (unsigned i = 0; i < CROWD; i++)
            ends_close(&e[i]);
        assert_int_equal(slack_rest(), 0); /* they were taken */
    }
    e[0] = ends_open();
    far_says(&e[0], "QUIT", 4);
    slack_fetch(e[0].s);
    assert_int_equal(slack_rest(), KEPT - 1);
    ends_close(&e[0]);
    assert_int_equal(slack_rest(), 0);
    assert_int_equal(slack_rest(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_read_ahead_comes_first),
        cmocka_unit_test(what_fills_its_place_is_read_on),
        cmocka_unit_test(the_end_is_the_end),
        cmocka_unit_test(a_reset_is_not_lost),
        cmocka_unit_test(corked_it_waits),
        cmocka_unit_test(much_does_not_wait),
        cmocka_unit_test(what_the_socket_does_not_take_stays),
        cmocka_unit_test(a_part_may_go),
        cmocka_unit_test(a_fault_of_the_socket_is_said),
        cmocka_unit_test(memory_goes_back),
    };

    (void)sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
