/* SPDX-License-Identifier: Apache-2.0
 *
 * What is so before the client is greeted; a few may also change later.
 *
 *   !rule name=yes        an option of the source section, with underscores; all but lists
 *   !auth name=yes        the same of source {auth}: for those who have logged in
 *   !report require-auth  this rule is in report-only
 *   !identity proxy-v1    how the mail server learns the client; else none
 *   !use-tls starttls     TLS with the mail server: no, starttls or immediate
 *   !connect-at mail      when the mail server is called: for EHLO or for MAIL
 *   !mail-at rcpt         when it hears MAIL
 *   !knows line           a line of what this mail server said to some EHLO before
 *   !knows-no-more        it does not stand for what it would say now
 *   !no-certificate       there is none to start TLS with
 *   !implicit-tls         TLS from the first byte
 *   !accounts             received mail is recorded
 *   !barred               from here on the client has failed to log in too often
 *   !disk-full            from here on there is no room for records
 */
#include "t/lib/stage.h"

#include <stdio.h>
#include <string.h>

static bool set_rule(struct stage *st, const char *arg)
{
    return stage_rule(&st->rules[0], arg);
}

static bool set_auth(struct stage *st, const char *arg)
{
    st->has_auth = true;
    return stage_rule(&st->rules[1], arg);
}

/* Names are the option table's own: the line does not last. */
static bool set_report(struct stage *st, const char *arg)
{
    struct texts *list = &st->rules[0].report_only;
    enum report rule;

    if (list->count == COUNT_OF(st->reports) || !report_read(span_of(arg), &rule))
        return false;
    list->at = st->reports;
    st->reports[list->count++] = report_name(rule);
    for (const struct option *o = source_options; o->name; o++)
        if (o->offset == offsetof(struct source, report_only))
            st->rules[0].head.set |= UINT64_C(1) << (o - source_options);
    return true;
}

/* It has failed to log in too often, from now on. */
static bool barred(struct stage *st, const char *arg)
{
    (void)arg;
    return st->barred = true;
}

static bool set_identity(struct stage *st, const char *arg)
{
    static const char *const words[] = {"proxy-v2", "proxy-v1", "xclient", "none"};

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcmp(arg, words[i]) == 0) {
            st->house.identity = (enum identity)i;
            return true;
        }
    return false;
}

static bool set_use_tls(struct stage *st, const char *arg)
{
    st->house.use_tls = strcmp(arg, "starttls") == 0    ? BACKEND_TLS_STARTTLS
                        : strcmp(arg, "immediate") == 0 ? BACKEND_TLS_IMMEDIATE
                                                        : BACKEND_TLS_NO;
    return true;
}

static bool set_mail_at(struct stage *st, const char *arg)
{
    st->house.mail_at = strcmp(arg, "rcpt") == 0 ? MAIL_AT_RCPT : MAIL_AT_MAIL;
    return true;
}

static bool set_connect_at(struct stage *st, const char *arg)
{
    st->house.connect_at = strcmp(arg, "mail") == 0 ? CONNECT_AT_MAIL : CONNECT_AT_EHLO;
    return true;
}

/* One more line that this backend said to some EHLO before. */
static bool know(struct stage *st, const char *arg)
{
    int n = snprintf(st->memory.reply + st->memory.len, sizeof st->memory.reply - st->memory.len,
                     "%s\r\n", arg);

    st->memory.len += (size_t)n;
    st->memory.stands = true;
    return true;
}

/* That was too long ago, or to each client it says something else. */
static bool doubt(struct stage *st, const char *arg)
{
    (void)arg;
    st->memory.stands = false;
    return true;
}

static bool no_certificate(struct stage *st, const char *arg)
{
    (void)arg;
    st->house.has_tls = false;
    return true;
}

static bool born_secured(struct stage *st, const char *arg)
{
    (void)arg;
    return st->born_secured = true;
}

static bool accounts(struct stage *st, const char *arg)
{
    st->house.accounts = true;
    (void)arg;
    return true;
}

/* From here on there is no room for records. */
static bool disk_full(struct stage *st, const char *arg)
{
    (void)arg;
    return st->disk_full = true;
}

const struct step stage_scene[] = {
    {"rule", set_rule},
    {"auth", set_auth},
    {"report", set_report},
    {"identity", set_identity},
    {"use-tls", set_use_tls},
    {"connect-at", set_connect_at},
    {"mail-at", set_mail_at},
    {"knows", know},
    {"knows-no-more", doubt},
    {"no-certificate", no_certificate},
    {"implicit-tls", born_secured},
    {"accounts", accounts},
    {"disk-full", disk_full},
    {"barred", barred},
    {NULL, NULL},
};
