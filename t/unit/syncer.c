/* SPDX-License-Identifier: Apache-2.0
 *
 * What the syncer answers is about all that was written before, wherever that went.
 */
#include "t/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/settings.h"
#include "sync/commit.h"
#include "sync/order.h"
#include "sync/syncer.h"

/* A pipe is what cannot be synced. */
enum thing { END, GOOD, BAD };

static const struct {
    const char *name;
    enum thing segment[3], folder[3];
    int error, later;
} cases[] = {
    {"no segment", {END}, {END}, EBADF, EBADF},
    {"all is well", {GOOD}, {GOOD}, 0, 0},
    {"the segment", {BAD}, {GOOD}, EINVAL, EINVAL},
    {"its folder", {GOOD}, {BAD}, EINVAL, 0},
    {"the segment before", {BAD, GOOD}, {GOOD, GOOD}, EINVAL, 0},
    {"the folder before", {GOOD, GOOD}, {BAD, GOOD}, EINVAL, 0},
};

static int call(int listener)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct sockaddr_un to;
    socklen_t len = sizeof to;

    assert_int_equal(getsockname(listener, (struct sockaddr *)&to, &len), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, len), 0);
    return fd;
}

static void bring(int fd, int segment, int folder)
{
    struct sync_order order = {.number = 0};
    struct iovec part = {&order, sizeof order};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control = {.room = {0}};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.room,
                       .msg_controllen = sizeof control.room};
    int both[2] = {segment, folder};

    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof both);
    memcpy(CMSG_DATA(&control.head), both, sizeof both);
    assert_int_equal(sendmsg(fd, &m, 0), sizeof order);
}

static int ask(int fd, uint64_t number)
{
    struct sync_order order = {.number = number};
    struct sync_done done;

    assert_int_equal(send(fd, &order, sizeof order, 0), sizeof order);
    assert_int_equal(recv(fd, &done, sizeof done, 0), sizeof done);
    assert_int_equal(done.number, number);
    return done.error;
}

static void play(int listener)
{
    int ends[2], good = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_int_equal(pipe(ends), 0);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int fd = call(listener);

        for (size_t k = 0; cases[i].segment[k] != END; k++)
            bring(fd, cases[i].segment[k] == GOOD ? good : ends[0],
                  cases[i].folder[k] == GOOD ? good : ends[0]);
        assert_row(ask(fd, 1) == cases[i].error, cases[i].name);
        assert_row(ask(fd, 2) == cases[i].later, cases[i].name);
        close(fd);
    }
    close(good);
    close(ends[0]);
    close(ends[1]);
}

static void answers(void **state)
{
    struct settings settings = {.global = {.spool_directory = "/nowhere", .sync_interval = 3600}};
    char why[200];
    int orders[2], listener = commit_listen(why, sizeof why), status;
    pid_t syncer;

    (void)state;
    assert_true(listener >= 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, orders), 0);
    syncer = fork();
    if (syncer == 0) {
        struct child child = {.settings = &settings, .orders = orders[1]};

        close(orders[0]);
        _exit(syncer_run(&child, listener));
    }
    close(orders[1]);
    play(listener);
    close(orders[0]); /* it is to leave */
    assert_int_equal(waitpid(syncer, &status, 0), syncer);
    assert_int_equal(status, 0);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
