/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/relay/transaction.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "smtp/envid.h"
#include "smtp/path.h"
#include "smtp/xtext.h"

enum { ADDRESS_MAX = 512, DSN_MAX = 1024 };

static const char memory[] = "452 4.3.1 Out of memory\r\n";
static const char option[] = "555 5.5.4 Unsupported option\r\n";
static const char syntax_option[] = "501 5.5.4 Bad option\r\n";

static char *copy(struct span s)
{
    return strndup(s.len ? s.at : "", s.len);
}

/* xtext decoded where it is xtext, else as it stands. */
static char *decoded(struct span s)
{
    char text[DSN_MAX];

    return xtext_read(text, sizeof text, s) == (size_t)-1 ? copy(s) : strdup(text);
}

static bool add_option(struct buf *dsn, struct span name, struct span value)
{
    return buf_addf(dsn, " %.*s=%.*s", SPAN_ARG(name), SPAN_ARG(value));
}

/* The first that says it counts. */
static void take_id(struct transaction *t, struct span id)
{
    if (t->id_is_sure || id.len == 0 || id.len >= sizeof t->queue_id)
        return;
    text_clean(t->queue_id, sizeof t->queue_id, id);
    t->id_is_sure = true;
}

/* Exim sends it unasked, to name its own message id. The remote server has no use for it. */
static void take_auth(struct transaction *t, const struct ids *ids, struct span value)
{
    char text[sizeof t->queue_id];
    size_t len = xtext_read(text, sizeof text, value);

    if (ids->auth && len != (size_t)-1 && !span_is(value, "<>"))
        take_id(t, (struct span){text, len});
}

/* What is the milter's goes; what was the client's own is put back. */
static const char *take_envid(struct transaction *t, const struct ids *ids, struct buf *dsn,
                              struct span value)
{
    struct span id, own;

    if (ids->has_key && envid_read(value, ids->key, &id, &own)) {
        if (ids->envid)
            take_id(t, id);
        value = own;
        if (own.len == 0)
            return NULL;
    }
    free(t->env_id);
    if (!(t->env_id = decoded(value)))
        return memory;
    return add_option(dsn, SPAN("ENVID"), value) ? NULL : syntax_option;
}

static const char *mail_option(struct transaction *t, const struct ids *ids, struct buf *dsn,
                               struct span name, struct span value)
{
    if (span_is_nocase(name, "SIZE"))
        return text_number(value, (unsigned long)-1, &t->size) ? NULL : syntax_option;
    if (span_is_nocase(name, "BODY")) {
        t->eight_bit = span_is_nocase(value, "8BITMIME");
        return t->eight_bit || span_is_nocase(value, "7BIT") ? NULL : syntax_option;
    }
    if (span_is_nocase(name, "SMTPUTF8")) {
        t->utf8 = true;
        return NULL;
    }
    if (span_is_nocase(name, "AUTH")) {
        take_auth(t, ids, value);
        return NULL;
    }
    if (span_is_nocase(name, "ENVID"))
        return take_envid(t, ids, dsn, value);
    if (!span_is_nocase(name, "RET"))
        return option;
    return add_option(dsn, name, value) ? NULL : syntax_option;
}

static const char *mail_options(struct transaction *t, const struct ids *ids, struct span params)
{
    struct span name, value;
    const char *why = NULL;
    struct buf dsn;
    int got = 0;

    buf_init(&dsn, DSN_MAX);
    while (!why && (got = param_next(&params, &name, &value)) > 0)
        why = mail_option(t, ids, &dsn, name, value);
    if (got < 0)
        why = syntax_option;
    if (!why && !(t->dsn = copy(buf_peek(&dsn))))
        why = memory;
    buf_clear(&dsn);
    return why;
}

const char *transaction_mail(struct transaction *t, const struct ids *ids, struct span arg)
{
    struct path path;
    const char *why;

    if (!path_read(arg, "FROM:", &path) || path.mailbox.len >= ADDRESS_MAX)
        return "501 5.1.7 Bad sender address\r\n";
    if (!(t->sender = copy(path.mailbox)))
        return memory;
    if (ids->xforward)
        take_id(t, span_of(t->from.ident));
    if ((why = mail_options(t, ids, path.params))) {
        transaction_end(t);
        return why;
    }
    t->open = true;
    t->number++;
    t->queued = clock_now();
    return NULL;
}

static bool has_success(struct span notify)
{
    bool has = false;

    while (notify.len > 0)
        has |= span_is_nocase(span_cut(&notify, ','), "SUCCESS");
    return has;
}

static const char *rcpt_options(struct recipient *r, struct span params)
{
    struct span name, value;
    const char *why = NULL;
    struct buf dsn;
    int got = 0;

    buf_init(&dsn, DSN_MAX);
    while (!why && (got = param_next(&params, &name, &value)) > 0) {
        if (span_is_nocase(name, "ORCPT")) {
            free(r->orcpt);
            r->orcpt = decoded(value);
        } else if (!span_is_nocase(name, "NOTIFY")) {
            why = option;
            break;
        }
        why = add_option(&dsn, name, value) ? NULL : syntax_option;
        if (span_is_nocase(name, "NOTIFY"))
            r->success = has_success(value);
    }
    if (got < 0)
        why = syntax_option;
    if (!why && !(r->dsn = copy(buf_peek(&dsn))))
        why = memory;
    buf_clear(&dsn);
    return why;
}

static bool make_room(struct transaction *t)
{
    size_t room = t->room ? 2 * t->room : 4;
    struct recipient *more;

    if (t->count < t->room)
        return true;
    if (!(more = reallocarray(t->rcpt, room, sizeof *more)))
        return false;
    t->rcpt = more;
    t->room = room;
    return true;
}

const char *transaction_rcpt(struct transaction *t, struct span arg, struct span *domain)
{
    struct path path;
    struct recipient *r;
    const char *why;

    if (!path_read(arg, "TO:", &path) || path.mailbox.len >= ADDRESS_MAX || path.domain.len == 0)
        return "501 5.1.3 Bad recipient address\r\n";
    if (t->count == TRANSACTION_RCPTS)
        return "452 4.5.3 Too many recipients\r\n";
    if (!make_room(t))
        return memory;
    r = &t->rcpt[t->count++];
    *r = (struct recipient){.address = copy(path.mailbox)};
    why = r->address ? rcpt_options(r, path.params) : memory;
    if (why)
        transaction_drop_last(t);
    *domain = path.domain;
    return why;
}

bool transaction_mail_line(const struct transaction *t, const struct ehlo *e, struct buf *to)
{
    if (!buf_add(to, SPAN("MAIL FROM:<")) || !buf_add(to, span_of(t->sender)) ||
        !buf_add(to, SPAN(">")))
        return false;
    if (t->size && ehlo_has(e, EHLO_SIZE) && !buf_addf(to, " SIZE=%lu", t->size))
        return false;
    if (t->eight_bit && ehlo_has(e, EHLO_8BITMIME) && !buf_add(to, SPAN(" BODY=8BITMIME")))
        return false;
    if (t->utf8 && ehlo_has(e, EHLO_SMTPUTF8) && !buf_add(to, SPAN(" SMTPUTF8")))
        return false;
    if (ehlo_has(e, EHLO_DSN) && !buf_add(to, span_of(t->dsn)))
        return false;
    return buf_add(to, SPAN("\r\n"));
}

bool transaction_rcpt_line(const struct recipient *r, const struct ehlo *e, struct buf *to)
{
    return buf_add(to, SPAN("RCPT TO:<")) && buf_add(to, span_of(r->address)) &&
           buf_add(to, SPAN(">")) && (!ehlo_has(e, EHLO_DSN) || buf_add(to, span_of(r->dsn))) &&
           buf_add(to, SPAN("\r\n"));
}

static bool is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

bool transaction_needs_utf8(const struct transaction *t, const struct recipient *r)
{
    return t->utf8 || !is_ascii(t->sender) || !is_ascii(r->address);
}

void transaction_drop_last(struct transaction *t)
{
    struct recipient *r = &t->rcpt[--t->count];

    free(r->address);
    free(r->dsn);
    free(r->orcpt);
    free(r->held);
}

static void drop_header(struct transaction *t)
{
    if (t->header)
        header_clear(t->header);
    free(t->header);
    t->header = NULL;
}

bool transaction_wants(struct transaction *t, const struct span *names, size_t count)
{
    drop_header(t);
    if (count == 0)
        return true;
    if (!(t->header = malloc(sizeof *t->header)))
        return false;
    header_init(t->header, names, count);
    return true;
}

void transaction_end(struct transaction *t)
{
    drop_header(t);
    while (t->count > 0)
        transaction_drop_last(t);
    sent_free(&t->sent);
    free(t->rcpt);
    free(t->sender);
    free(t->dsn);
    free(t->env_id);
    *t = (struct transaction){.number = t->number};
}
