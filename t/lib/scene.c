/* SPDX-License-Identifier: Apache-2.0
 *
 * What is so before the client is greeted; a few may also change later.
 *
 *   !rule name=yes        an option of the source section, with underscores; all but lists
 *   !identity proxy-v1    how the mail server learns the client; else none
 *   !knows line           a line of what this mail server said to some EHLO before
 *   !no-certificate       there is none to start TLS with
 *   !implicit-tls         TLS from the first byte
 *   !accounts             received mail is recorded
 *   !disk-full            from here on there is no room for records
 */
#include "t/lib/stage.h"

#include <stdio.h>
#include <string.h>

static bool set_rule(struct stage *st, const char *arg)
{
    const char *value = strchr(arg, '=');

    for (const struct option *o = source_options; value && o->name; o++)
        if (o->kind != OPTION_LIST && strlen(o->name) == (size_t)(value - arg) &&
            strncmp(o->name, arg, strlen(o->name)) == 0)
            return option_read(o, span_of(value + 1), &st->rule);
    return false;
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

/* One more line that this backend said to some EHLO before. */
static bool know(struct stage *st, const char *arg)
{
    int n = snprintf(st->memory.reply + st->memory.len, sizeof st->memory.reply - st->memory.len,
                     "%s\r\n", arg);

    st->memory.len += (size_t)n;
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
    {"identity", set_identity},
    {"knows", know},
    {"no-certificate", no_certificate},
    {"implicit-tls", born_secured},
    {"accounts", accounts},
    {"disk-full", disk_full},
    {NULL, NULL},
};
