/* SPDX-License-Identifier: Apache-2.0 */
#include "acct/privacy.h"

#include <ctype.h>
#include <stdlib.h>

#include "acct/pseudonym.h"

/* Who is not to be named, and how that may be written. */
struct person {
    struct span forms[3]; /* longest first: with its quotes, without, without +what follows */
    size_t form_count;
    struct span domain;
    char plain[RECORD_MAX]; /* small letters, no quotes */
    char pseudonym[PSEUDONYM_TEXT];
    size_t pseudonym_len;
};

/* These are looked through for persons whose domain they have, too. */
static const enum column mentions[] = {
    COLUMN_orig, COLUMN_envId, COLUMN_jobId, COLUMN_rcvSmtpUser, COLUMN_rcvTlsClientSubject,
};

/* rcpt, orcpt and dsnDiag; the others. */
enum { VALUES = 3 + COUNT_OF(mentions) + RECORD_HEADERS };

struct privacy {
    struct pseudonym *pseudonym; /* ours */
    struct person persons[2];    /* recipient, original recipient */
    size_t count;
    size_t values; /* of `memory` that are in use */
    char memory[VALUES][RECORD_MAX];
};

/* A value on its way. */
struct pen {
    char *at;
    size_t len;
};

struct privacy *privacy_new(struct texts policy, bool *lost)
{
    struct pseudonym *pseudonym = pseudonym_new(policy, lost);
    struct privacy *p = pseudonym ? calloc(1, sizeof *p) : NULL;

    if (p)
        p->pseudonym = pseudonym;
    else
        *lost = *lost || pseudonym;
    if (!p)
        pseudonym_free(&pseudonym);
    return p;
}

void privacy_free(struct privacy **p)
{
    if (*p)
        pseudonym_free(&(*p)->pseudonym);
    free(*p);
    *p = NULL;
}

static void put(struct pen *pen, struct span s)
{
    size_t room = RECORD_MAX - pen->len, len = s.len < room ? s.len : room;

    if (len > 0)
        memcpy(pen->at + pen->len, s.at, len);
    pen->len += len;
}

/* How much of an address is its source route, "@a.test,@b.test:" (RFC 5321, 4.1.2). */
static size_t route_len(struct span address)
{
    const char *end =
        address.len && address.at[0] == '@' ? memchr(address.at, ':', address.len) : NULL;

    return end ? (size_t)(end - address.at) + 1 : 0;
}

/* The quoted string at the front, with its quotes; 0: none, or it is not closed. */
static size_t quoted_len(struct span s)
{
    if (s.len == 0 || s.at[0] != '"')
        return 0;
    for (size_t i = 1; i < s.len; i++) {
        if (s.at[i] == '\\')
            i++;
        else if (s.at[i] == '"')
            return i + 1;
    }
    return 0;
}

/* How long the local part at the front is: to the @ that is not quoted, else all. */
static size_t local_len(struct span address)
{
    size_t quoted = quoted_len(address);
    const char *at = NULL;

    if (quoted > 0 && (quoted == address.len || address.at[quoted] == '@'))
        return quoted;
    if (address.len > 0)
        at = memrchr(address.at, '@', address.len);
    return at ? (size_t)(at - address.at) : address.len;
}

static size_t put_plain(char *to, struct span local)
{
    bool quoted = quoted_len(local) == local.len;
    size_t len = 0;

    if (quoted)
        local = (struct span){local.at + 1, local.len - 2};
    for (size_t i = 0; i < local.len && len < RECORD_MAX; i++) {
        if (quoted && local.at[i] == '\\' && i + 1 < local.len)
            i++;
        to[len++] = (char)tolower((unsigned char)local.at[i]);
    }
    return len;
}

static void add_form(struct person *who, struct span form)
{
    if (form.len > 0)
        who->forms[who->form_count++] = form;
}

/* Who is named by this address; false: nobody ("", and "@example.com"). Its local part has
 * `*local` bytes from `*from` on. */
static bool meet(struct privacy *p, struct span address, size_t *from, size_t *local)
{
    struct person *who = &p->persons[p->count];
    struct span rest, plain;
    const char *plus;

    *from = route_len(address);
    rest = span_after(address, *from);
    *local = local_len(rest);
    if (*local == 0)
        return false;
    who->form_count = 0;
    who->domain = rest.len > *local ? span_after(rest, *local + 1) : SPAN("");
    rest.len = *local;
    plain = (struct span){who->plain, put_plain(who->plain, rest)};
    if (rest.at[0] == '"')
        add_form(who, rest);
    add_form(who, plain);
    plus = plain.len > 0 ? memchr(plain.at, '+', plain.len) : NULL;
    if (plus)
        add_form(who, (struct span){plain.at, (size_t)(plus - plain.at)});
    who->pseudonym_len = pseudonym_make(p->pseudonym, plain, who->pseudonym);
    p->count++;
    return true;
}

static struct pen value_new(struct privacy *p)
{
    return (struct pen){p->memory[p->values++], 0};
}

/* What is before `start` (a type of address) stays. */
static void hide_address(struct privacy *p, struct span *value, size_t start)
{
    size_t from, len, who = p->count;
    struct pen pen;

    if (!meet(p, span_after(*value, start), &from, &len))
        return;
    from += start;
    pen = value_new(p);
    put(&pen, (struct span){value->at, from});
    put(&pen, (struct span){p->persons[who].pseudonym, p->persons[who].pseudonym_len});
    put(&pen, span_after(*value, from + len));
    *value = (struct span){pen.at, pen.len};
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Does `word` stand at `i`, in any case, and is it no part of a bigger one? */
static bool stands_at(struct span s, size_t i, struct span word)
{
    if (word.len > s.len - i || strncasecmp(s.at + i, word.at, word.len) != 0)
        return false;
    if (i > 0 && is_word(word.at[0]) && is_word(s.at[i - 1]))
        return false;
    return i + word.len == s.len || !is_word(word.at[word.len - 1]) || !is_word(s.at[i + word.len]);
}

/* mail.example.com is not example.com. */
static bool has_domain(struct span s, struct span domain)
{
    for (size_t i = 0; domain.len > 0 && i + domain.len <= s.len; i++) {
        if (stands_at(s, i, domain) && (i == 0 || !strchr(".-", s.at[i - 1])))
            return true;
    }
    return false;
}

/* The longest form of one of them at `i`; NULL: none. */
static const struct person *find_at(const struct privacy *p, const bool *looked_for, struct span s,
                                    size_t i, size_t *len)
{
    const struct person *found = NULL;

    *len = 0;
    for (size_t who = 0; who < p->count; who++) {
        const struct person *one = &p->persons[who];

        for (size_t form = 0; looked_for[who] && form < one->form_count; form++) {
            if (one->forms[form].len > *len && stands_at(s, i, one->forms[form])) {
                *len = one->forms[form].len;
                found = one;
            }
        }
    }
    return found;
}

static void hide_words(struct privacy *p, struct span *value, size_t start, const bool *looked_for)
{
    struct pen pen = {NULL, 0};
    size_t done = 0, len = 0;

    for (size_t i = start; i < value->len; i += len) {
        const struct person *who = find_at(p, looked_for, *value, i, &len);

        if (!who) {
            len = 1;
            continue;
        }
        if (!pen.at)
            pen = value_new(p);
        put(&pen, (struct span){value->at + done, i - done});
        put(&pen, (struct span){who->pseudonym, who->pseudonym_len});
        done = i + len;
    }
    if (!pen.at)
        return;
    put(&pen, span_after(*value, done));
    *value = (struct span){pen.at, pen.len};
}

static size_t digits(struct span s, size_t i)
{
    size_t len = 0;

    while (i + len < s.len && isdigit((unsigned char)s.at[i + len]))
        len++;
    return len;
}

/* Behind "smtp;550 5.1.1", which are not about a recipient named 550. */
static size_t words_start(struct span diag)
{
    size_t i = span_starts_nocase(diag, "smtp;") ? 5 : 0, at;

    i += digits(diag, i) == 3 ? 3 : 0;
    at = i + (i < diag.len && diag.at[i] == ' ');
    for (int part = 0; part < 3; part++) {
        size_t len = digits(diag, at);

        if (len == 0 || (part < 2 && (at + len >= diag.len || diag.at[at + len] != '.')))
            return i;
        at += len + (part < 2);
    }
    return at;
}

static void hide_mention(struct privacy *p, struct span *value)
{
    bool looked_for[COUNT_OF(p->persons)];
    bool any = false;

    for (size_t who = 0; who < p->count; who++)
        any |= looked_for[who] = has_domain(*value, p->persons[who].domain);
    if (any)
        hide_words(p, value, 0, looked_for);
}

static size_t behind_type(struct span orcpt)
{
    const char *end = orcpt.len > 0 ? memchr(orcpt.at, ';', orcpt.len) : NULL;

    return end ? (size_t)(end - orcpt.at) + 1 : 0;
}

void privacy_apply(struct privacy *p, struct record *r)
{
    static const bool all[COUNT_OF(p->persons)] = {true, true};

    p->count = p->values = 0;
    hide_address(p, &r->column[COLUMN_rcpt], 0);
    hide_address(p, &r->column[COLUMN_orcpt], behind_type(r->column[COLUMN_orcpt]));
    if (p->count == 0)
        return;
    hide_words(p, &r->column[COLUMN_dsnDiag], words_start(r->column[COLUMN_dsnDiag]), all);
    for (size_t i = 0; i < COUNT_OF(mentions); i++)
        hide_mention(p, &r->column[mentions[i]]);
    for (size_t i = 0; i < r->header_count; i++)
        hide_mention(p, &r->header[i].value);
}
