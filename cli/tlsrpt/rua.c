/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tlsrpt/rua.h"

#include <ctype.h>

#include "base/text.h"

bool rua_is_host(struct span s)
{
    bool letters = false;

    for (size_t i = 0; i < s.len; i++) {
        if (!isalnum((unsigned char)s.at[i]) && !strchr("-._", s.at[i]))
            return false;
        letters = letters || isalpha((unsigned char)s.at[i]);
    }
    return s.len > 0 && s.len < RUA_HOST && letters && *s.at != '.' && s.at[s.len - 1] != '.';
}

static int digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* %2C and the like. False: it does not fit, or is none. */
static bool decode(struct span from, char *to, size_t size)
{
    size_t len = 0;

    while (from.len > 0) {
        bool coded = *from.at == '%';

        if (len + 1 == size || (coded && (from.len < 3 || !isxdigit((unsigned char)from.at[1]) ||
                                          !isxdigit((unsigned char)from.at[2]))))
            return false;
        to[len++] = (char)(coded ? digit(from.at[1]) << 4 | digit(from.at[2]) : *from.at);
        from = span_after(from, coded ? 3 : 1);
    }
    to[len] = '\0';
    return memchr(to, '\0', len) == NULL;
}

/* It goes into a command and a header field, where nothing in it may have a meaning. */
static bool is_mail(const char *mail)
{
    const char *at = strchr(mail, '@');

    for (const char *p = mail; *p; p++)
        if (!isgraph((unsigned char)*p) || strchr("<>()[],;:\"\\", *p))
            return false;
    return at && at > mail && at - mail <= 64 && rua_is_host(span_of(at + 1));
}

static bool take_mail(struct span text, struct rua *out)
{
    struct span rest = text;

    return decode(span_cut(&rest, '?'), out->mail, sizeof out->mail) && is_mail(out->mail);
}

static bool take_https(struct span text, struct rua *out)
{
    size_t end = 0;
    struct span rest, host;
    unsigned long port = 443;

    while (end < text.len && !strchr("/?", text.at[end]))
        end++;
    rest = (struct span){text.at, end};
    host = span_cut(&rest, ':');
    if (!rua_is_host(host) || (rest.len > 0 && !text_number(rest, 65535, &port)) || port == 0 ||
        (host.len < end && rest.len == 0))
        return false;
    text_copy(out->host, sizeof out->host, host);
    out->port = (unsigned)port;
    out->is_https = true;
    return true;
}

static bool is_visible(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isgraph((unsigned char)s.at[i]) || s.at[i] == '#')
            return false;
    return s.len > 0;
}

static void take_uri(struct rua_record *r, struct span uri)
{
    struct rua *out = &r->rua[r->ruas];
    bool good;

    if (r->ruas == RUA_MOST || uri.len >= sizeof out->text || !is_visible(uri))
        return;
    *out = (struct rua){.is_https = false};
    text_copy(out->text, sizeof out->text, uri);
    good = span_starts_nocase(uri, "mailto:")    ? take_mail(span_after(uri, 7), out)
           : span_starts_nocase(uri, "https://") ? take_https(span_after(uri, 8), out)
                                                 : false;
    r->ruas += good;
}

/* NAME=VALUE; a name is letters, digits, '_', '-' and '.'. */
static bool take_field(struct rua_record *r, struct span field)
{
    struct span value = field, name = span_cut(&value, '=');

    if (name.len == field.len || name.len == 0)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum((unsigned char)name.at[i]) && !strchr("_-.", name.at[i]))
            return false;
    if (!span_is(name, "rua"))
        return true;
    do
        take_uri(r, span_trim(span_cut(&value, ',')));
    while (value.len > 0);
    return true;
}

void rua_record_add(struct rua_record *r, struct span text)
{
    if (!span_is(span_trim(span_cut(&text, ';')), "v=TLSRPTv1") || r->count++ > 0)
        return;
    while (!r->bad && text.len > 0) {
        struct span field = span_trim(span_cut(&text, ';'));

        /* A delimiter may end the record, but not stand twice. */
        r->bad = field.len > 0 ? !take_field(r, field) : text.len > 0;
    }
}

bool rua_record_is(const struct rua_record *r)
{
    return r->count == 1 && !r->bad && r->ruas > 0;
}
