/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/milter.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "keep/secret.h"
#include "milter/facts.h"
#include "milter/judge.h"
#include "milter/message.h"
#include "milter/place.h"
#include "milter/receipts.h"
#include "milter/steps.h"
#include "smtp/envid.h"
#include "smtp/xtext.h"
#include "tell/log.h"

/* All that libmilter's threads share; its callbacks have no argument for it. */
static struct {
    struct child *child;
    const struct milter_listener *listener;
    struct receipts *receipts; /* NULL: the proxy writes the records */
    struct steps steps;        /* what a mail server is to tell us */
    struct facts *facts;       /* NULL: the mail server's macros say */
    pthread_mutex_t numbering; /* of sessions */
    atomic_uint open;          /* sessions */
    char socket_file[512];     /* "" for a port */
    struct stat made;          /* that file, as we made it */
    uint64_t key[2];           /* of ENVID, where that is set */
} us = {.numbering = PTHREAD_MUTEX_INITIALIZER};

static void copy_macro(SMFICTX *ctx, char *name, char *to, size_t size)
{
    const char *value = smfi_getsymval(ctx, name);

    text_clean(to, size, span_of(value ? value : ""));
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2,
                             unsigned long f3, unsigned long *o0, unsigned long *o1,
                             unsigned long *o2, unsigned long *o3)
{
    (void)f2;
    (void)f3;
    *o2 = *o3 = 0;
    steps_negotiate(&us.steps, ctx, f0, f1, o0, o1);
    return SMFIS_CONTINUE;
}

static struct id next_id(void)
{
    struct id id;

    pthread_mutex_lock(&us.numbering);
    id = id_next();
    pthread_mutex_unlock(&us.numbering);
    return id;
}

static void find_server(SMFICTX *ctx, struct session *s)
{
    char at[ADDR_TEXT], port[16];

    copy_macro(ctx, "{daemon_addr}", at, sizeof at);
    copy_macro(ctx, "{daemon_port}", port, sizeof port);
    session_reached(s, at, port);
}

static sfsistat on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *from)
{
    struct session *s = malloc(sizeof *s);
    char rule[64] = "";

    (void)name;
    if (!s)
        return SMFIS_NOREPLY; /* without a session MAIL is put off */
    session_init(s);
    s->id = next_id();
    if (!from || !addr_of_sockaddr(from, &s->client))
        s->client = (struct addr){.port = 0}; /* a local process, or what the peer has not said */
    find_server(ctx, s);
    copy_macro(ctx, "j", s->host, sizeof s->host);
    s->by_proxy = us.facts && facts_find(us.facts, s, rule, sizeof rule);
    judge_begin(s, us.child->settings, rule);
    if (smfi_setpriv(ctx, s) == MI_SUCCESS) {
        atomic_fetch_add(&us.open, 1);
        return SMFIS_NOREPLY;
    }
    session_clear(s);
    free(s);
    return SMFIS_NOREPLY;
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
    struct session *s = smfi_getpriv(ctx);

    if (s && name)
        text_clean(s->helo, sizeof s->helo, span_of(name));
    return SMFIS_NOREPLY;
}

static sfsistat refuse(SMFICTX *ctx, struct session *s, const struct refusal *r, const char *word)
{
    char code[4], enhanced[12], text[REFUSAL_TEXT];

    refusal_codes(r, code, enhanced);
    refusal_text(r, word, text);
    s->refused++;
    log_say(LOG_SESSION, s->id.text, "refused", {"code", span_of(code)}, {"why", span_of(text)},
            {"rule", span_of(s->rule.head.title ? s->rule.head.title : "")});
    /* Postfix lets mail pass if this fails and we went on as if it had not. */
    if (smfi_setreply(ctx, code, enhanced, text) != MI_SUCCESS)
        return SMFIS_TEMPFAIL;
    return r->code < 500 ? SMFIS_TEMPFAIL : SMFIS_REJECT;
}

/* The mail server's own TLS, and whom it took the client for. */
static void ask_macros(SMFICTX *ctx, struct session *s)
{
    struct macros m;

    copy_macro(ctx, "{auth_authen}", s->user, sizeof s->user);
    copy_macro(ctx, "{auth_type}", s->mechanism, sizeof s->mechanism);
    if (us.facts)
        return;
    copy_macro(ctx, "v", m.version, sizeof m.version);
    copy_macro(ctx, "{tls_version}", m.protocol, sizeof m.protocol);
    copy_macro(ctx, "{cipher}", m.cipher, sizeof m.cipher);
    copy_macro(ctx, "{cipher_bits}", m.bits, sizeof m.bits);
    copy_macro(ctx, "{verify}", m.verify, sizeof m.verify);
    copy_macro(ctx, "{cert_subject}", m.subject, sizeof m.subject);
    copy_macro(ctx, "{cert_issuer}", m.issuer, sizeof m.issuer);
    copy_macro(ctx, "{cn_subject}", m.name, sizeof m.name);
    facts_of_macros(s, &m);
}

static void end_message(struct session *s)
{
    if (us.receipts)
        receipts_release(us.receipts, &s->message);
    message_end(&s->message);
}

static sfsistat on_mail(SMFICTX *ctx, char **arguments)
{
    struct session *s = smfi_getpriv(ctx);
    const struct refusal *r;
    const char *word;

    if (!s)
        return SMFIS_TEMPFAIL;
    end_message(s);
    ask_macros(ctx, s);
    r = judge_mail(s, us.child->settings, span_of(arguments[0] ? arguments[0] : ""), &word);
    if (r)
        return refuse(ctx, s, r, word);
    message_begin(&s->message, arguments);
    message_want(&s->message, &us.child->settings->wanted);
    if (us.receipts && !receipts_reserve(us.receipts, &s->message))
        return refuse(ctx, s, &policy_no_room, "");
    return steps_pass_mail(&us.steps);
}

/* For the first there is room since MAIL. One that finds none has the whole message put off at its
 * end: here nobody waits for an answer. */
static sfsistat on_rcpt(SMFICTX *ctx, char **arguments)
{
    struct session *s = smfi_getpriv(ctx);

    if (!s || !us.receipts)
        return SMFIS_NOREPLY;
    if (s->message.rcpts.count > 0 && !receipts_reserve(us.receipts, &s->message))
        s->message.no_room = true;
    else
        message_add(&s->message, arguments);
    return SMFIS_NOREPLY;
}

/* sallyport-out then knows the queue id before the first recipient. Without it that mail is not
 * covered by duplicate-memory, and joined by its Received field. A client may have one of ours out
 * of a notification for an old message: that must not be left standing beside a new one. */
static void set_envid(SMFICTX *ctx, const struct session *s, const char *queue_id)
{
    char own[ENVID_MAX + 1], value[ENVID_MAX + 1], argument[ENVID_MAX + 8];
    char sender[sizeof s->message.sender + 2];

    if (!us.listener->set_envid)
        return;
    snprintf(sender, sizeof sender, "<%s>", s->message.sender);
    if (xtext_make(own, sizeof own, span_of(s->message.env_id)) != (size_t)-1 &&
        envid_make(value, us.key, span_of(queue_id),
                   envid_claims(span_of(own)) ? SPAN("") : span_of(own)) > 0) {
        snprintf(argument, sizeof argument, "ENVID=%s", value);
        if (smfi_chgfrom(ctx, sender, argument) == MI_SUCCESS)
            return;
    }
    log_say(LOG_SESSION, s->id.text, "envid-not-set", {"queue-id", span_of(queue_id)},
            {"own", span_of(s->message.env_id)});
}

static sfsistat on_field(SMFICTX *ctx, char *name, char *value)
{
    struct session *s = smfi_getpriv(ctx);

    if (s && name && value)
        header_field(&s->message.header, span_of(name), span_of(value));
    return SMFIS_NOREPLY;
}

static sfsistat on_end(SMFICTX *ctx)
{
    struct session *s = smfi_getpriv(ctx);
    char queue_id[128];
    bool ok;

    if (!s)
        return SMFIS_TEMPFAIL;
    copy_macro(ctx, "i", queue_id, sizeof queue_id);
    set_envid(ctx, s, queue_id);
    if (!us.receipts)
        return SMFIS_CONTINUE;
    if (s->message.rcpts.left_out > 0)
        log_say(LOG_FAULT, s->id.text, "recipients-unaccounted",
                {"count", log_number(s->message.rcpts.left_out)});
    ok = !s->message.no_room && receipts_write(us.receipts, s, queue_id);
    end_message(s);
    return ok ? SMFIS_CONTINUE : refuse(ctx, s, &policy_no_room, "");
}

static sfsistat on_abort(SMFICTX *ctx)
{
    struct session *s = smfi_getpriv(ctx);

    if (s)
        end_message(s);
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
    struct session *s = smfi_getpriv(ctx);
    char client[ADDR_TEXT];

    if (!s)
        return SMFIS_CONTINUE;
    end_message(s);
    log_say(LOG_SESSION, s->id.text, "closed",
            {"client", span_of(addr_port_text(&s->client, client))},
            {"tls", span_of(s->secure ? s->tls.protocol : "no")},
            {"messages", log_number(s->message.number)}, {"refused", log_number(s->refused)});
    smfi_setpriv(ctx, NULL);
    session_clear(s);
    free(s);
    atomic_fetch_sub(&us.open, 1);
    return SMFIS_CONTINUE;
}

/* Has the next generation put its socket where ours was? */
static bool is_taken_over(void)
{
    struct stat now;

    return us.socket_file[0] && stat(us.socket_file, &now) == 0 &&
           (now.st_ino != us.made.st_ino || now.st_dev != us.made.st_dev);
}

/* Waits for the order to stop. Sessions may end if new ones go elsewhere; else they are cut,
 * and the mail server tells its clients to come again. */
static void *wait_for_orders(void *unused)
{
    struct pollfd orders = {.fd = us.child->orders, .events = POLLIN};
    double end;

    while (!child_should_drain(us.child))
        (void)poll(&orders, 1, 10000);
    end = clock_mono() + (double)us.child->settings->global.drain_timeout;
    while (is_taken_over() && atomic_load(&us.open) > 0 && clock_mono() < end)
        (void)poll(NULL, 0, 200);
    if (us.socket_file[0] && !is_taken_over())
        (void)unlink(us.socket_file);
    smfi_stop();
    return unused;
}

/* When libmilter stops it removes whatever socket lies where it was told to listen, and by then
 * that is the next generation's. So it listens beside it, and the file moves into place. */
static bool listen_on_file(void)
{
    char beside[sizeof us.socket_file + 16], name[sizeof beside + 8];

    snprintf(beside, sizeof beside, "%s.%u", us.socket_file, us.child->slot);
    snprintf(name, sizeof name, "unix:%s", beside);
    return smfi_setconn(name) == MI_SUCCESS && smfi_opensocket(true) == MI_SUCCESS &&
           rename(beside, us.socket_file) == 0 && stat(us.socket_file, &us.made) == 0;
}

static bool listen_on_port(void)
{
    static char name[1024];

    text_copy(name, sizeof name, span_of(us.listener->head.title));
    return smfi_setconn(name) == MI_SUCCESS && smfi_opensocket(true) == MI_SUCCESS;
}

static bool open_socket(void)
{
    struct smfiDesc description = {
        .xxfi_name = (char[]){"sallyport"},
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = us.listener->set_envid ? SMFIF_CHGFROM : 0,
        .xxfi_connect = on_connect,
        .xxfi_helo = on_helo,
        .xxfi_envfrom = on_mail,
        .xxfi_envrcpt = on_rcpt,
        .xxfi_header = us.steps.fields ? on_field : NULL,
        .xxfi_eom = on_end,
        .xxfi_abort = on_abort,
        .xxfi_close = on_close,
        .xxfi_negotiate = on_negotiate,
    };

    umask(007); /* the mail server is in our group */
    return smfi_register(description) == MI_SUCCESS &&
           (us.socket_file[0] ? listen_on_file() : listen_on_port());
}

/* Records come from here only where the proxy does not write them. */
static bool open_all(struct child *child, bool file, char *why, size_t size)
{
    const struct global *g = &child->settings->global;
    char path[4096];

    us.child = child;
    us.listener = place_find(child->settings, file, child->number);
    if (!us.listener) {
        snprintf(why, size, "there is no milter-listener for this child");
        return false;
    }
    if (file)
        text_copy(us.socket_file, sizeof us.socket_file, span_of(place_file(us.listener)));
    if (us.listener->set_envid && secret_open(g->state_directory, ENVID_KEY, us.key, why, size))
        return false;
    snprintf(path, sizeof path, "%s/" TABLE_NAME, g->run_directory);
    snprintf(why, size, "milter-listener %s: no memory", us.listener->head.title);
    if (us.listener->behind_proxy ? !(us.facts = facts_open(path))
                                  : !(us.receipts = receipts_open(child->settings, why, size)))
        return false;
    us.steps = (struct steps){.envelope = us.receipts,
                              .fields = us.receipts && child->settings->wanted.header_count > 0,
                              .envid = us.listener->set_envid};
    snprintf(why, size, "milter-listener %s: cannot listen there", us.listener->head.title);
    return open_socket();
}

static int run(struct child *child, bool file)
{
    char why[1024];
    pthread_t thread;

    if (!open_all(child, file, why, sizeof why)) {
        log_say(LOG_FAULT, "", "milter-fails", {"why", span_of(why)});
        return 1;
    }
    if (pthread_create(&thread, NULL, wait_for_orders, NULL) != 0)
        return 1;
    pthread_detach(thread);
    child_ready(child);
    /* What threads may still use when it returns is left to the end of the process. */
    return smfi_main() == MI_SUCCESS ? 0 : 1;
}

int milter_run_file(struct child *child)
{
    return run(child, true);
}

int milter_run_port(struct child *child)
{
    return run(child, false);
}
