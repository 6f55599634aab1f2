/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/path.h"

#include <ctype.h>

/* Where a byte may stand: in a local part without quotes, in a domain, in an address literal, in
 * the keyword of a parameter, in its value. */
enum { ATOM = 1, DOMAIN = 2, LITERAL = 4, KEYWORD = 8, VALUE = 16 };
enum {
    ALNUM = ATOM | DOMAIN | LITERAL | KEYWORD | VALUE,
    SIGN = ATOM | LITERAL | VALUE,
    WIDE = ATOM | DOMAIN | VALUE, /* RFC 6531, 3.3: where ASCII stands in an address, UTF-8 may */
};

/* clang-format off */
static const unsigned char stands[256] = {
    ['0' ... '9'] = ALNUM, ['A' ... 'Z'] = ALNUM, ['a' ... 'z'] = ALNUM, [0x80 ... 0xff] = WIDE,
    ['!'] = SIGN, ['#' ... '\''] = SIGN, ['*' ... '+'] = SIGN, ['/'] = SIGN, ['?'] = SIGN,
    ['^'] = SIGN, ['`'] = SIGN, ['{' ... '~'] = SIGN,
    ['-'] = SIGN | DOMAIN | KEYWORD, ['.'] = SIGN | DOMAIN, ['_'] = SIGN | DOMAIN,
    ['='] = ATOM | LITERAL,
    ['"'] = LITERAL | VALUE, ['(' ... ')'] = LITERAL | VALUE, [','] = LITERAL | VALUE,
    [':' ... ';'] = LITERAL | VALUE, ['@'] = LITERAL | VALUE,
    ['<'] = VALUE, ['>'] = VALUE, ['[' ... ']'] = VALUE,
};
/* clang-format on */

/* How many bytes at the front may all stand there. */
static size_t run(struct span s, unsigned where)
{
    size_t len = 0;

    while (len < s.len && (stands[(unsigned char)s.at[len]] & where))
        len++;
    return len;
}

/* A quoted string, quotes and all (RFC 5321, 4.1.2); 0: it is none. */
static size_t quoted_run(struct span s)
{
    for (size_t i = 1; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];

        if (c == '"')
            return i + 1;
        if (c < ' ' || c == 0x7f)
            return 0;
        if (c == '\\' && (++i == s.len || !isprint((unsigned char)s.at[i])))
            return 0;
    }
    return 0;
}

static size_t local_run(struct span s)
{
    return s.len && *s.at == '"' ? quoted_run(s) : run(s, ATOM);
}

static size_t domain_run(struct span s)
{
    if (s.len == 0 || *s.at != '[')
        return run(s, DOMAIN);

    size_t len = 1 + run(span_after(s, 1), LITERAL);

    return len > 1 && len < s.len && s.at[len] == ']' ? len + 1 : 0;
}

/* "@a,@b:" at the front, which nobody obeys any more. False: a bad one. */
static bool drop_route(struct span *s)
{
    while (s->len && *s->at == '@') {
        size_t len = domain_run(span_after(*s, 1));

        if (len == 0 || 1 + len >= s->len)
            return false;
        char behind = s->at[1 + len];

        *s = span_after(*s, 2 + len);
        if (behind == ':')
            return true;
        if (behind != ',' || s->len == 0 || *s->at != '@')
            return false;
    }
    return true;
}

/* The mailbox at the front of `s`; how long it is, 0 if there is none. */
static size_t read_mailbox(struct span s, struct path *out)
{
    size_t len = local_run(s);

    if (len == 0)
        return 0;
    out->local = (struct span){s.at, len};
    out->domain = (struct span){s.at + len, 0};
    if (len < s.len && s.at[len] == '@') {
        out->domain.at++;
        out->domain.len = domain_run(span_after(s, len + 1));
        if (out->domain.len == 0 || out->domain.len > PATH_DOMAIN_MAX)
            return 0;
        len += 1 + out->domain.len;
    }
    out->mailbox = (struct span){s.at, len};
    return len;
}

/* Without angle brackets, as old programs say it. */
static bool read_bare(struct span arg, struct path *out)
{
    size_t len = arg.len && *arg.at != '"' ? read_mailbox(arg, out) : 0;

    if (len == 0 || (len < arg.len && arg.at[len] != ' '))
        return false;
    out->params = span_after(arg, len < arg.len ? len + 1 : len);
    return true;
}

static bool read_bracketed(struct span arg, bool may_be_empty, struct path *out)
{
    struct span s = span_after(arg, 1);

    if (!drop_route(&s))
        return false;
    size_t len = read_mailbox(s, out);

    if (len == 0) /* the null path of bounces */
        *out = (struct path){.mailbox = {s.at, 0}, .local = {s.at, 0}, .domain = {s.at, 0}};
    if ((len == 0 && (!may_be_empty || s.at != arg.at + 1)) || len >= s.len || s.at[len] != '>')
        return false;
    s = span_after(s, len + 1);
    if (s.len && *s.at != ' ')
        return false;
    out->params = s.len ? span_after(s, 1) : s;
    return true;
}

bool path_read(struct span arg, const char *lead, struct path *out)
{
    *out = (struct path){0};
    if (!span_starts_nocase(arg, lead))
        return false;
    arg = span_after(arg, strlen(lead));
    while (arg.len && *arg.at == ' ') /* RFC 5321, 3.3 forbids them; many say them */
        arg = span_after(arg, 1);
    if (arg.len && *arg.at == '<')
        return read_bracketed(arg, strcasecmp(lead, "FROM:") == 0, out);
    return read_bare(arg, out);
}

int param_next(struct span *params, struct span *name, struct span *value)
{
    while (params->len && *params->at == ' ')
        *params = span_after(*params, 1);
    if (params->len == 0)
        return 0;

    struct span word = span_cut(params, ' ');

    *value = word;
    *name = span_cut(value, '=');
    if (name->len == 0 || *name->at == '-' || run(*name, KEYWORD) < name->len)
        return -1;
    if (name->len < word.len && value->len == 0)
        return -1;
    return run(*value, VALUE) < value->len ? -1 : 1;
}

bool param_find(struct span params, const char *name, struct span *value)
{
    struct span word, found = {NULL, 0};
    int got;

    while ((got = param_next(&params, &word, value)) > 0)
        if (!found.at && span_is_nocase(word, name))
            found = *value;
    *value = found;
    return got == 0 && found.at;
}
