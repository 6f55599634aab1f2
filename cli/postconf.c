/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/postconf.h"

#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

#include "base/option.h"
#include "base/text.h"
#include "cli/run.h"

/* As far as it was read. */
struct reading {
    struct postconf *out;
    unsigned port;
    unsigned long milter_timeout, proxy_timeout;
    bool has_milters, has_filter;
};

static const struct option seconds = {
    .name = "", .kind = OPTION_TIME, .size = sizeof(unsigned long), RANGE(0, ULONG_MAX)};

const char *const postconf_names[] = {
    "enable_long_queue_ids",
    "smtpd_timeout",
    "smtpd_milters",
    "milter_content_timeout",
    "smtpd_proxy_filter",
    "smtpd_proxy_timeout",
    NULL,
};

static struct span trim(struct span s)
{
    while (s.len && s.at[0] == ' ')
        s = span_after(s, 1);
    while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\r'))
        s.len--;
    return s;
}

/* "10025", "127.0.0.1:10025", "[::1]:smtp" */
static bool is_service(struct span service, unsigned port)
{
    char name[64];
    unsigned long number;
    const struct servent *known;

    for (struct span rest = service; memchr(rest.at, ':', rest.len);) {
        (void)span_cut(&rest, ':');
        service = rest;
    }
    if (text_number(service, UINT16_MAX, &number))
        return number == port;
    text_copy(name, sizeof name, service);
    known = getservbyname(name, "tcp");
    return known && known->s_port == htons((uint16_t)port);
}

static void take_seconds(struct span value, unsigned long *out)
{
    (void)!option_read(&seconds, value, out);
}

static void take(struct reading *r, struct span name, struct span value)
{
    if (span_is(name, "enable_long_queue_ids"))
        r->out->short_ids = span_is(value, "no");
    else if (span_is(name, "smtpd_timeout"))
        take_seconds(value, &r->out->smtpd_timeout);
    else if (span_is(name, "smtpd_milters"))
        r->has_milters = value.len > 0;
    else if (span_is(name, "milter_content_timeout"))
        take_seconds(value, &r->milter_timeout);
    else if (span_is(name, "smtpd_proxy_filter"))
        r->has_filter = value.len > 0;
    else if (span_is(name, "smtpd_proxy_timeout"))
        take_seconds(value, &r->proxy_timeout);
}

/* "SERVICE inet ..." or "NAME = VALUE" or "SERVICE/inet/NAME = VALUE" */
static void read_line(struct reading *r, struct span line)
{
    struct span rest = line, word = span_cut(&rest, ' ');
    struct span service = word, type = {"", 0};

    rest = trim(rest);
    if (memchr(word.at, '/', word.len)) {
        word = service;
        service = span_cut(&word, '/');
        type = span_cut(&word, '/');
        if (!span_is(type, "inet") || !is_service(service, r->port))
            return;
    }
    if (rest.len && rest.at[0] == '=')
        take(r, word, trim(span_after(rest, 1)));
    else if (!type.len && span_starts_nocase(rest, "inet ") && is_service(word, r->port))
        r->out->has_service = true;
}

void postconf_read(struct postconf *p, struct span text, unsigned port)
{
    struct reading r = {.out = p, .port = port};

    *p = (struct postconf){.has_service = false};
    while (text.len) {
        struct span line = span_cut(&text, '\n');

        if (line.len)
            read_line(&r, line);
    }
    p->content_timeout = r.has_milters ? r.milter_timeout : 0;
    p->filter_timeout = r.has_filter ? r.proxy_timeout : 0;
}

/* NULL: there is none. */
static const char *find(void)
{
    static const char *const paths[] = {"/usr/sbin/postconf", "/usr/local/sbin/postconf"};

    for (size_t i = 0; i < COUNT_OF(paths); i++)
        if (access(paths[i], X_OK) == 0)
            return paths[i];
    return NULL;
}

bool postconf_ask(const char *const *words, char *said)
{
    const char *argv[POSTCONF_WORDS + 2] = {find()};
    size_t used = strlen(said);
    int status;

    for (size_t i = 0; i < POSTCONF_WORDS && words[i]; i++)
        argv[i + 1] = words[i];
    return argv[0] && POSTCONF_SAID - used > 1 &&
           run_program(argv, said + used, POSTCONF_SAID - used, &status) && status == 0;
}

struct span postconf_value(struct span text, const char *name)
{
    while (text.len) {
        struct span rest = span_cut(&text, '\n'), word = span_cut(&rest, ' ');

        if (span_is(word, name) && rest.len && rest.at[0] == '=')
            return trim(span_after(rest, 1));
    }
    return (struct span){"", 0};
}

unsigned long postconf_seconds(struct span text, const char *name)
{
    unsigned long value = 0;

    take_seconds(postconf_value(text, name), &value);
    return value;
}
