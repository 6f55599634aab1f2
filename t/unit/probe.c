/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/unit.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "behind/probe.h"
#include "behind/reach.h"

/* A mail server that says its lines whatever it hears. */
struct server {
    struct backend_server at;
    struct event_base *base;
    struct event watch, conversation;
    int fd, client;
    const char *says; /* NULL: it says nothing */
    unsigned calls, verdicts, enough;
    struct probed last;
};

static void on_talk(int fd, short events, void *arg)
{
    char heard[512];

    (void)events;
    if (recv(fd, heard, sizeof heard, 0) <= 0)
        event_del(&((struct server *)arg)->conversation);
}

static void hang_up(struct server *s)
{
    if (s->client < 0)
        return;
    event_del(&s->conversation);
    close(s->client);
    s->client = -1;
}

static void on_call(int fd, short events, void *arg)
{
    struct server *s = arg;

    (void)events;
    hang_up(s);
    s->client = accept(fd, NULL, NULL);
    assert_true(s->client >= 0);
    s->calls++;
    event_assign(&s->conversation, s->base, s->client, EV_READ | EV_PERSIST, on_talk, s);
    event_add(&s->conversation, NULL);
    if (s->says && *s->says)
        assert_true(send(s->client, s->says, strlen(s->says), 0) > 0);
    else if (s->says)
        hang_up(s);
}

static void on_probed(void *arg, const struct probed *found)
{
    struct server *s = arg;

    s->last = *found;
    if (++s->verdicts == s->enough)
        event_base_loopbreak(s->base);
}

static void start(struct server *s, struct backend *b, const char *says)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;

    *s = (struct server){.base = loop_new(), .says = says, .client = -1};
    *b = (struct backend){.connect_timeout = 5, .reply_timeout = 5, .servers = &s->at};
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(s->fd, 8), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &len), 0);
    assert_true(addr_of_sockaddr((struct sockaddr *)&at, &s->at.at));
    event_assign(&s->watch, s->base, s->fd, EV_READ | EV_PERSIST, on_call, s);
    event_add(&s->watch, NULL);
}

static void probe(struct server *s, const struct probe_plan *plan, unsigned verdicts)
{
    struct probe *p;

    s->enough = s->verdicts + verdicts;
    p = probe_new(s->base, plan, on_probed, s);
    assert_non_null(p);
    event_base_dispatch(s->base);
    probe_free(&p);
    assert_null(p);
}

static void stop(struct server *s)
{
    hang_up(s);
    if (s->fd >= 0) {
        event_del(&s->watch);
        close(s->fd);
    }
    event_base_free(s->base);
}

#define NO "554 5.7.1 Relay access denied\r\n"
#define SAFE "220 a\r\n250 a\r\n250 a\r\n" NO NO NO NO NO NO
#define OPEN "220 a\r\n250 a\r\n250 a\r\n250 a\r\n"

static const struct guest who = {.identity = IDENTITY_NONE, .helo = "proxy.test", .session = ""};

static void is_hourly(void **state)
{
    const struct probe_plan plan = {PROBE_FOR_EVER};

    (void)state;
    assert_int_equal((int)plan.every, 3600);
    assert_int_equal((int)plan.again, 10);
}

/* After a good answer it asks again as it does after another, each in its time. */
static void asks_again(void **state)
{
    static const struct {
        const char *says;
        double every, again;
        enum verdict verdict;
    } rows[] = {{SAFE, 0.01, 1000, VERDICT_SAFE}, {OPEN, 1000, 0.01, VERDICT_RELAYS}};
    struct server s;
    struct backend b;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        start(&s, &b, rows[i].says);
        probe(&s,
              &(struct probe_plan){.to = {.backend = &b, .server = &s.at},
                                   .who = who,
                                   .every = rows[i].every,
                                   .again = rows[i].again,
                                   .patience = 5},
              3);
        assert_int_equal(s.calls, 3);
        assert_int_equal(s.last.verdict, rows[i].verdict);
        stop(&s);
    }
}

static void asks_once(void **state)
{
    struct server s;
    struct backend b;

    (void)state;
    start(&s, &b, SAFE);
    s.enough = 2;
    struct probe *p = probe_new(
        s.base,
        &(struct probe_plan){.to = {.backend = &b, .server = &s.at}, .who = who, .patience = 5},
        on_probed, &s);
    assert_non_null(p);
    while (!s.verdicts)
        event_base_loop(s.base, EVLOOP_ONCE);
    /* Nothing is set to come: with the server gone the loop is empty. */
    hang_up(&s);
    event_del(&s.watch);
    close(s.fd);
    s.fd = -1;
    assert_int_equal(event_base_dispatch(s.base), 1);
    assert_int_equal(s.verdicts, 1);
    probe_free(&p);
    stop(&s);
}

/* Who greets where TLS comes first has the wrong port in our file: the remedy is not his log. */
static void says_that_tls_fails(void **state)
{
    char why[256];
    struct server s;
    struct backend b;
    struct guest secret = who;
    struct probe_plan plan = {.patience = 5};

    (void)state;
    start(&s, &b, "220 a\r\n");
    b.use_tls = BACKEND_TLS_IMMEDIATE;
    b.tls_ca_file = b.tls_name = "";
    secret.use_tls = BACKEND_TLS_IMMEDIATE;
    plan.who = secret;
    const struct tls_client_conf conf = reach_tls(&b);
    plan.to = (struct wire_plan){
        .backend = &b, .server = &s.at, .tls = tls_client_new(&conf, why, sizeof why)};
    assert_non_null(plan.to.tls);
    probe(&s, &plan, 1);
    assert_int_equal(s.last.verdict, VERDICT_NO_TLS);
    assert_true(*s.last.said);
    tls_free(&plan.to.tls);
    stop(&s);
}

static void says_what_went_wrong(void **state)
{
    static const struct {
        const char *says;
        enum verdict verdict;
    } rows[] = {
        {NULL, VERDICT_NO_GREETING},         {"", VERDICT_NO_GREETING},
        {"220 a\r\n", VERDICT_SLOW},         {"220 a\r\n250 a\r\n", VERDICT_SLOW},
        {"550 Go\r\n", VERDICT_TURNED_AWAY},
    };
    struct server s;
    struct backend b;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        start(&s, &b, rows[i].says);
        probe(&s,
              &(struct probe_plan){
                  .to = {.backend = &b, .server = &s.at}, .who = who, .patience = 0.05},
              1);
        assert_int_equal(s.last.verdict, rows[i].verdict);
        if (i + 1 < COUNT_OF(rows)) {
            stop(&s);
            continue;
        }
        event_del(&s.watch);
        close(s.fd);
        s.fd = -1;
        probe(&s,
              &(struct probe_plan){
                  .to = {.backend = &b, .server = &s.at}, .who = who, .patience = 0.5},
              1);
        assert_int_equal(s.last.verdict, VERDICT_UNREACHED);
        assert_string_equal(s.last.said, "Connection refused");
        stop(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_hourly),           cmocka_unit_test(asks_again),
        cmocka_unit_test(asks_once),           cmocka_unit_test(says_what_went_wrong),
        cmocka_unit_test(says_that_tls_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
