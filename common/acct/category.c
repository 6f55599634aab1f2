/* SPDX-License-Identifier: Apache-2.0 */
#include "acct/category.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "acct/code.h"
#include "acct/regex.h"
#include "base/siphash.h"

static const char *const known[] = {
    "bad-configuration",   "bad-connection",
    "bad-domain",          "bad-mailbox",
    "content-related",     "inactive-mailbox",
    "invalid-sender",      "message-expired",
    "no-answer-from-host", "other",
    "policy-related",      "protocol-errors",
    "quota-issues",        "relaying-issues",
    "routing-errors",      "spam-related",
    "virus-related",
};

/* Words that decide, and hints that count behind the status. */
enum { STRONG, WEAK, STRENGTHS };

static const struct {
    int strength;
    const char *category;
    struct span regex;
} defaults[] = {
#define REPLY(category, regex) {STRONG, category, SPAN(regex)},
#define HINT(category, regex) {WEAK, category, SPAN(regex)},
#include "acct/category.def"
#undef REPLY
#undef HINT
};

struct line {
    struct regex *regex;   /* ours */
    char *text, *category; /* ours */
    bool tired, told;
};

/* What was found for a text. Refusals come in bursts that say the same. */
enum { MEMOS = 128, MEMO_TEXT = 250, STATUS_MOST = 15 };

struct memo {
    const char *category; /* NULL: it is empty */
    size_t len;
    char text[MEMO_TEXT];
};

struct categories {
    struct memo memos[MEMOS];
    struct line *lines;
    size_t count;
    struct regex *defaults[COUNT_OF(defaults)]; /* ours */
};

/* False with `why`. */
static bool add_line(struct categories *c, const struct category_line *from, char *why, size_t size)
{
    struct line *line = &c->lines[c->count++];
    char words[256];

    line->text = strdup(from->regex);
    line->category = strdup(from->category);
    line->regex = regex_new(span_of(from->regex), words, sizeof words);
    if (line->text && line->category && line->regex)
        return true;
    snprintf(why, size, "/%s/: %s", from->regex, line->regex ? "no memory" : words);
    return false;
}

struct categories *categories_new(const struct category_line *lines, size_t count, char *why,
                                  size_t size)
{
    struct categories *c = calloc(1, sizeof *c);
    bool ok;

    snprintf(why, size, "no memory");
    if (!c)
        return NULL;
    c->lines = calloc(count + 1, sizeof *c->lines);
    ok = c->lines;
    for (size_t i = 0; i < count && ok; i++)
        ok = add_line(c, &lines[i], why, size);
    for (size_t i = 0; i < COUNT_OF(defaults) && ok; i++)
        ok = (c->defaults[i] = regex_new(defaults[i].regex, why, size)) != NULL;
    if (!ok)
        categories_free(&c);
    return c;
}

void categories_free(struct categories **c)
{
    if (!*c)
        return;
    for (size_t i = 0; i < (*c)->count; i++) {
        regex_free(&(*c)->lines[i].regex);
        free((*c)->lines[i].text);
        free((*c)->lines[i].category);
    }
    for (size_t i = 0; i < COUNT_OF(defaults); i++)
        regex_free(&(*c)->defaults[i]);
    free((*c)->lines);
    free(*c);
    *c = NULL;
}

static bool is_found(struct line *line, struct span text)
{
    enum regex_end end = regex_find(line->regex, text);

    line->tired = line->tired || end == REGEX_GAVE_UP;
    return end == REGEX_IS;
}

static const char *by_lines(struct categories *c, struct span reply, struct span status)
{
    for (size_t i = 0; i < c->count; i++) {
        if (is_found(&c->lines[i], reply) || is_found(&c->lines[i], status))
            return c->lines[i].category;
    }
    return NULL;
}

static const char *by_defaults(const struct categories *c, int strength, struct span text)
{
    for (size_t i = 0; i < COUNT_OF(defaults); i++) {
        if (defaults[i].strength == strength && regex_find(c->defaults[i], text) == REGEX_IS)
            return defaults[i].category;
    }
    return NULL;
}

/* What may be in an address is no word of the server's. */
static bool ends_address(char c)
{
    return strchr(" \t<>()[]{}'\",;:", c) != NULL;
}

/* `reply` with a _ in place of each address, in `to`, which has room for RECORD_MAX. */
static struct span without_addresses(struct span reply, char *to)
{
    size_t len = 0;

    for (size_t i = 0; i < reply.len && len < RECORD_MAX; i++) {
        if (reply.at[i] != '@') {
            to[len++] = reply.at[i];
            continue;
        }
        while (len > 0 && !ends_address(to[len - 1]))
            len--;
        to[len++] = '_';
        while (i + 1 < reply.len && !ends_address(reply.at[i + 1]))
            i++;
    }
    return (struct span){to, len};
}

/* By the reply alone. */
static const char *by_words(const struct categories *c, struct span reply, struct span number)
{
    const char *found;

    if ((found = by_defaults(c, STRONG, reply)) || (found = code_of_status(number)) ||
        (found = by_defaults(c, WEAK, reply)))
        return found;
    return code_at_last(number, reply);
}

/* The same, once for each text and status, which is "STATUS REPLY". The key of the hash is no
 * secret: the worst that servers can do by choosing texts is that nothing is remembered. */
static const char *by_words_once(struct categories *c, struct span text)
{
    static const uint64_t key[2] = {0, 0};
    struct memo *memo = &c->memos[siphash(key, text) % MEMOS];
    struct span reply = text, number = span_cut(&reply, ' ');
    const char *found;

    if (memo->category && span_same((struct span){memo->text, memo->len}, text))
        return memo->category;
    found = by_words(c, reply, number);
    if (text.len <= MEMO_TEXT) {
        memcpy(memo->text, text.at, text.len);
        memo->len = text.len;
        memo->category = found;
    }
    return found;
}

static const char *find(struct categories *c, const struct record *r)
{
    struct span reply = r->column[COLUMN_dsnDiag], status = r->column[COLUMN_dsnStatus];
    struct span rest = status, number = span_cut(&rest, ' ');
    char text[STATUS_MOST + 1 + RECORD_MAX];
    const char *found;

    if (span_starts_nocase(reply, "smtp;"))
        reply = span_after(reply, 5);
    if ((found = by_lines(c, reply, status)))
        return found;
    if (r->column[COLUMN_bounceCat].len > 0)
        return NULL;
    number.len = number.len < STATUS_MOST ? number.len : STATUS_MOST;
    if (number.len > 0)
        memcpy(text, number.at, number.len);
    text[number.len] = ' ';
    reply = without_addresses(reply, text + number.len + 1);
    return by_words_once(c, (struct span){text, number.len + 1 + reply.len});
}

void categories_fill(struct categories *c, struct record *r)
{
    struct span type = r->column[COLUMN_type];
    const char *found;

    if (!span_is(type, "b") && !span_is(type, "t"))
        return;
    found = find(c, r);
    if (found)
        r->column[COLUMN_bounceCat] = span_of(found);
}

const char *categories_tired(struct categories *c)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->lines[i].tired && !c->lines[i].told) {
            c->lines[i].told = true;
            return c->lines[i].text;
        }
    }
    return NULL;
}

bool category_is_name(const char *name)
{
    size_t len = 0;

    while (isalnum((unsigned char)name[len]) || name[len] == '-')
        len++;
    return len > 0 && !name[len];
}

const char *category_known(size_t i)
{
    return i < COUNT_OF(known) ? known[i] : NULL;
}
