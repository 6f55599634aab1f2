/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening sockets: made, kept, taken over, closed.
 */
#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct addr local_of(int fd)
{
    struct sockaddr_storage name;
    socklen_t len = sizeof name;
    struct addr a;

    assert_int_equal(0, getsockname(fd, (struct sockaddr *)&name, &len));
    assert_true(addr_of_sockaddr((struct sockaddr *)&name, &a));
    return a;
}

/* An address at which nothing listens: the kernel picks the port. */
static struct addr free_at(const char *ip)
{
    struct sockaddr_storage name;
    struct addr a;

    assert_true(addr_read(span_of(ip), &a));
    unsigned len = addr_to_sockaddr(&a, (struct sockaddr *)&name, sizeof name);
    int fd = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(0, bind(fd, (struct sockaddr *)&name, len));
    a = local_of(fd);
    close(fd);
    return a;
}

static int call(const struct addr *to)
{
    struct sockaddr_storage name;
    unsigned len = addr_to_sockaddr(to, (struct sockaddr *)&name, sizeof name);
    int fd = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (struct sockaddr *)&name, len) == 0)
        return fd;
    close(fd);
    return -1;
}

static int open_one(struct listens *all, const struct addr *at, bool loopback_device)
{
    char why[256] = "";
    int fd = listens_open(all, at, loopback_device, why, sizeof why);

    if (fd < 0)
        fail_msg("%s", why);
    return fd;
}

static void test_accept(void **state)
{
    struct listens all = {.count = 0};
    struct addr at = free_at("127.0.0.1"), client;
    int fd = open_one(&all, &at, false);
    bool full = true;

    (void)state;
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(-1, listen_accept(fd, &client, &full));
    assert_false(full);
    int caller = call(&at), got = listen_accept(fd, &client, &full);

    assert_true(caller >= 0 && got >= 0);
    struct addr expected = local_of(caller);

    assert_true(addr_is_same(&expected, &client));
    assert_true(fcntl(got, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(got, F_GETFD) & FD_CLOEXEC);
    close(got);

    /* No descriptors left: said, and the caller waits in the backlog. */
    struct rlimit was, none = {0};
    int second = call(&at);

    assert_true(second >= 0);
    assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &was));
    none.rlim_max = was.rlim_max;
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &none));
    assert_int_equal(-1, listen_accept(fd, &client, &full));
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &was));
    assert_true(full);
    got = listen_accept(fd, &client, &full);
    assert_true(got >= 0);
    assert_false(full);
    close(got);
    close(caller);
    close(second);
    listens_unmark(&all);
    listens_want(&all, all.at[0].fd);
    listens_want(&all, -1);
    listens_close_unwanted(&all);
    assert_int_equal(1, all.count);
    listens_unmark(&all);
    listens_close_unwanted(&all);
}

/* A reload: the same socket where the address stays, and nobody in its backlog is reset. */
static void test_reload(void **state)
{
    struct listens all = {.count = 0};
    struct addr stays = free_at("127.0.0.1"), goes = free_at("127.0.0.2"),
                comes = free_at("127.0.0.3"), client;
    int kept = open_one(&all, &stays, false);
    bool full;

    (void)state;
    (void)open_one(&all, &goes, false);
    int caller = call(&stays);

    listens_unmark(&all);
    assert_int_equal(kept, open_one(&all, &stays, false));
    (void)open_one(&all, &comes, false);
    listens_close_unwanted(&all);
    assert_int_equal(2, all.count);
    assert_int_equal(-1, call(&goes));
    int other = call(&comes), got = listen_accept(kept, &client, &full);

    assert_true(other >= 0 && got >= 0);
    close(other);
    close(got);
    close(caller);
    listens_unmark(&all);
    listens_close_unwanted(&all);
    assert_int_equal(0, all.count);
    assert_int_equal(-1, call(&stays));
}

static void test_wrong(void **state)
{
    struct listens all = {.count = 0}, others = {.count = 0};
    struct addr at = free_at("127.0.0.1"), foreign;
    char why[256] = "", text[ADDR_TEXT];

    (void)state;
    (void)open_one(&all, &at, false);
    assert_int_equal(-1, listens_open(&others, &at, false, why, sizeof why));
    assert_non_null(strstr(why, "another program listens there"));
    assert_non_null(strstr(why, addr_port_text(&at, text)));
    assert_true(addr_read_port(SPAN("192.0.2.1:2525"), &foreign));
    assert_int_equal(-1, listens_open(&others, &foreign, false, why, sizeof why));
    assert_non_null(strstr(why, "192.0.2.1:2525: bind: "));
    assert_non_null(strstr(why, "no such address"));
    others.count = LISTEN_MAX;
    memset(others.at, 0, sizeof others.at);
    assert_int_equal(-1, listens_open(&others, &foreign, false, why, sizeof why));
    assert_non_null(strstr(why, "more than 64"));
    listens_unmark(&all);
    listens_close_unwanted(&all);
}

/* [::] is IPv6 alone, so 0.0.0.0 beside it is not "in use". */
static void test_both_families(void **state)
{
    struct listens all = {.count = 0};
    struct addr six, four = free_at("0.0.0.0"), loop;
    int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool full;

    (void)state;
    if (probe < 0) {
        print_message("# skip: no IPv6 here\n");
        return; /* cmocka's skip() says `not ok` */
    }
    close(probe);
    assert_true(addr_read(SPAN("::"), &six));
    six.port = four.port;
    int fd = open_one(&all, &six, false);

    (void)open_one(&all, &four, false);
    assert_true(addr_read(SPAN("127.0.0.1"), &loop));
    loop.port = four.port;
    int caller = call(&loop);

    assert_true(caller >= 0);
    assert_int_equal(-1, listen_accept(fd, &loop, &full));
    close(caller);
    listens_unmark(&all);
    listens_close_unwanted(&all);
}

/* One socket hears all of 127.0.0.0/8. Where it may not be had, the reason is said. */
static void test_loopback_device(void **state)
{
    struct listens all = {.count = 0};
    struct addr at = free_at("127.0.0.1"), far, client;
    char why[256] = "";
    int fd = listens_open(&all, &at, true, why, sizeof why);
    bool full;

    (void)state;
    if (fd < 0) {
        assert_non_null(strstr(why, "binding to the loopback device"));
        assert_non_null(strstr(why, "CAP_NET_RAW"));
        return;
    }
    assert_int_equal(fd, open_one(&all, &at, true));
    assert_true(addr_read(SPAN("127.9.8.7"), &far));
    far.port = at.port;
    int caller = call(&far), got = listen_accept(fd, &client, &full);

    assert_true(caller >= 0 && got >= 0);
    far = local_of(got);
    assert_true(addr_is_loopback(&far));
    assert_int_equal(7, far.ip[15]);
    close(caller);
    close(got);
    listens_unmark(&all);
    listens_close_unwanted(&all);
}

/* As systemd does it: descriptors from 3 on, meant for this process alone. */
static void passed_child(const struct addr *at)
{
    struct listens first = {.count = 0}, all = {.count = 0};
    char pid[32], why[256];
    int made = listens_open(&first, at, false, why, sizeof why);

    if (made < 0 || dup2(made, 3) != 3)
        _exit(1);
    if (made != 3)
        close(made);
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_PID", "1", 1);
    if (listens_open(&all, at, false, why, sizeof why) != -1)
        _exit(2); /* for another process: that address is in use, then */
    (void)snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    if (listens_open(&all, at, false, why, sizeof why) != 3)
        _exit(3);
    if (!(fcntl(3, F_GETFD) & FD_CLOEXEC) || !(fcntl(3, F_GETFL) & O_NONBLOCK))
        _exit(4);
    struct addr another = *at;

    another.ip[15] = 2;
    if (listens_open(&all, &another, false, why, sizeof why) <= 3)
        _exit(5); /* not passed: a new one */
    _exit(0);
}

static void test_passed(void **state)
{
    struct addr at = free_at("127.0.0.1");
    pid_t pid = fork();
    int status;

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0)
        passed_child(&at);
    assert_int_equal(pid, waitpid(pid, &status, 0));
    assert_true(WIFEXITED(status));
    assert_int_equal(0, WEXITSTATUS(status));
}

static int call_file(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    if (connect(fd, (struct sockaddr *)&name, sizeof name) == 0)
        return fd;
    close(fd);
    return -1;
}

static void a_socket_file_comes_and_goes(void **state)
{
    char dir[] = "/tmp/listenXXXXXX", path[64], why[256];
    struct listens all = {.count = 0}, others = {.count = 0};
    struct listen_file file = {.path = path, .mode = 0620, .gid = getegid()};
    unsigned uid = 1, pid = 1;
    struct addr client;
    struct stat is;
    bool full;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/lmtp", dir);
    int fd = listens_open_file(&all, &file, why, sizeof why);

    assert_true(fd >= 0);
    assert_int_equal(0, stat(path, &is));
    assert_int_equal(0620, is.st_mode & 07777);
    int called = call_file(path), taken = listen_accept(fd, &client, &full);

    assert_true(called >= 0 && taken >= 0);
    assert_true(addr_is_loopback(&client) && client.port == 0);
    assert_true(listen_caller(taken, &uid, &pid));
    assert_true(uid == getuid() && pid == (unsigned)getpid());
    close(called);
    close(taken);
    /* It answers, so nobody else may have it; for us it is the one that is there, as it is to be.
     */
    assert_int_equal(-1, listens_open_file(&others, &file, why, sizeof why));
    assert_non_null(strstr(why, "another program listens there; choose another path"));
    file.mode = 0600;
    assert_int_equal(fd, listens_open_file(&all, &file, why, sizeof why));
    assert_int_equal(0, stat(path, &is));
    assert_int_equal(0600, is.st_mode & 07777);
    listens_unmark(&all);
    listens_close_unwanted(&all);
    assert_int_equal(-1, stat(path, &is));
    assert_int_equal(0, rmdir(dir));
}

static void a_socket_file_is_its_maker_s(void **state)
{
    char dir[] = "/tmp/listenXXXXXX", path[64], why[256];
    struct listens all = {.count = 0};
    struct listen_file file = {.path = path, .mode = 0600, .gid = getegid()};
    struct stat is;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/lmtp", dir);
    assert_true(listens_open_file(&all, &file, why, sizeof why) >= 0);
    /* A child that closes takes nothing away. */
    pid_t child = fork();

    if (child == 0) {
        listens_unmark(&all);
        listens_close_unwanted(&all);
        _exit(0);
    }
    assert_int_equal(child, waitpid(child, NULL, 0));
    assert_int_equal(0, stat(path, &is));
    /* A leftover is replaced. */
    all.at[0].maker = 0;
    listens_unmark(&all);
    listens_close_unwanted(&all);
    assert_int_equal(0, stat(path, &is));
    assert_int_equal(-1, call_file(path));
    assert_true(listens_open_file(&all, &file, why, sizeof why) >= 0);
    close(call_file(path));
    listens_unmark(&all);
    listens_close_unwanted(&all);
    assert_int_equal(-1, stat(path, &is));
    /* What is no socket stays. */
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_int_equal(-1, listens_open_file(&all, &file, why, sizeof why));
    assert_non_null(strstr(why, "there is a file that is no socket"));
    assert_int_equal(0, unlink(path));
    assert_int_equal(0, rmdir(dir));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_file_comes_and_goes),
        cmocka_unit_test(a_socket_file_is_its_maker_s),
        cmocka_unit_test(test_accept),
        cmocka_unit_test(test_reload),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_both_families),
        cmocka_unit_test(test_loopback_device),
        cmocka_unit_test(test_passed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
