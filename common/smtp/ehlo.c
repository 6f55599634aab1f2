/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/ehlo.h"

#include <ctype.h>
#include <limits.h>

#include "base/text.h"

enum { MECHANISMS = 512 };

static const struct span words[EHLO_KEYWORDS] = {
#define KEYWORD(name, word) [EHLO_##name] = SPAN(word),
#include "smtp/ehlo.def"
#undef KEYWORD
    [EHLO_STARTTLS] = SPAN("STARTTLS"),
    [EHLO_XCLIENT] = SPAN("XCLIENT"),
    [EHLO_XFORWARD] = SPAN("XFORWARD"),
};

/* The next line of a reply, without code and CRLF; false: no more. */
static bool next_line(struct span *reply, struct span *line)
{
    if (reply->len == 0)
        return false;
    *line = span_cut(reply, '\n');
    *line = line->len > 5 ? (struct span){line->at + 4, line->len - 5} : SPAN("");
    return true;
}

/* A line that says what the upstream can do: not the first, which says who it is. */
static bool next_offer(struct span *reply, bool *begun, struct span *line)
{
    if (!*begun && !next_line(reply, line))
        return false;
    *begun = true;
    return next_line(reply, line);
}

static enum ehlo_keyword find(struct span word)
{
    enum ehlo_keyword k = 0;

    while (k < EHLO_KEYWORDS && !span_same_nocase(word, words[k]))
        k++;
    return k;
}

struct ehlo ehlo_read(struct span reply)
{
    struct ehlo e = {0};
    bool begun = false;

    for (struct span line; next_offer(&reply, &begun, &line);) {
        enum ehlo_keyword k = find(span_cut(&line, ' '));

        if (k == EHLO_SIZE && !text_number(line, ULONG_MAX, &e.size_max))
            e.size_max = 0;
        if (k < EHLO_KEYWORDS)
            e.has |= 1U << k;
    }
    return e;
}

struct span ehlo_argument(struct span reply, const char *word)
{
    bool begun = false;

    for (struct span line; next_offer(&reply, &begun, &line);)
        if (span_is_nocase(span_cut(&line, ' '), word))
            return line;
    return SPAN("");
}

static bool is_keyword(struct span word)
{
    for (size_t i = 0; i < word.len; i++)
        if (!isalnum((unsigned char)word.at[i]) && word.at[i] != '-')
            return false;
    return word.len > 0;
}

void ehlo_list(char *to, size_t size, struct span reply)
{
    bool begun = false;
    size_t len = 0;

    text_copy(to, size, SPAN(""));
    for (struct span line; next_offer(&reply, &begun, &line);) {
        struct span word = span_cut(&line, ' ');

        if (!is_keyword(word))
            continue;
        if (len + (len > 0) + word.len >= size)
            return;
        if (len > 0)
            to[len++] = ',';
        text_copy(to + len, size - len, word);
        len += word.len;
    }
}

bool auth_is_guarded(struct span mechanism)
{
    static const char *const guarded[] = {"CRAM-MD5", "DIGEST-MD5", "GSSAPI", "GS2-KRB5",
                                          "EXTERNAL"};

    for (size_t i = 0; i < COUNT_OF(guarded); i++)
        if (span_is_nocase(mechanism, guarded[i]))
            return true;
    return span_starts_nocase(mechanism, "SCRAM-");
}

/* Those of `mechanisms` that may be shown, each behind a space. */
static size_t choose(char to[MECHANISMS], struct span mechanisms, enum ehlo_auth shown)
{
    size_t len = 0;

    while (mechanisms.len && shown != EHLO_AUTH_NONE) {
        struct span one = span_cut(&mechanisms, ' ');
        bool fits = len + 1 + one.len < MECHANISMS;

        if (one.len == 0 || !fits || (shown == EHLO_AUTH_GUARDED && !auth_is_guarded(one)))
            continue;
        to[len++] = ' ';
        memcpy(to + len, one.at, one.len);
        len += one.len;
    }
    return len;
}

/* A line of a reply, in two pieces; false: it did not fit. */
static bool put_line(struct buf *to, struct span begin, struct span end)
{
    return buf_add(to, SPAN("250-")) && buf_add(to, begin) && buf_add(to, end) &&
           buf_add(to, SPAN("\r\n"));
}

static bool put_size(struct buf *to, unsigned long size)
{
    char digits[TEXT_DECIMAL];

    return put_line(to, SPAN("SIZE "), (struct span){digits, text_decimal(digits, size)});
}

/* 0, as no number at all, is the upstream's way to say that it has no limit (RFC 1870, 4). */
static bool show_size(struct buf *to, struct span argument, unsigned long ours)
{
    unsigned long theirs = 0;

    if (!text_number(argument, ULONG_MAX, &theirs))
        theirs = 0;
    return put_size(to, theirs > 0 && theirs < ours ? theirs : ours);
}

/* One line of what the client sees; false: it did not fit. */
static bool show(struct buf *to, struct span line, const struct ehlo_view *view)
{
    char mechanisms[MECHANISMS];
    struct span argument = line;
    struct span word = span_cut(&argument, ' ');

    if (view->size_max > 0 && span_is_nocase(word, "SIZE"))
        return show_size(to, argument, view->size_max);
    if (!span_is_nocase(word, "AUTH"))
        return put_line(to, line, SPAN(""));

    size_t len = choose(mechanisms, argument, view->auth);

    return len == 0 || put_line(to, SPAN("AUTH"), (struct span){mechanisms, len});
}

/* The last line of a reply is marked by the space behind its code (RFC 5321, 4.2.1). */
static void mark_last(struct buf *to, size_t begin)
{
    char *at = to->bytes + to->from, *line = at + begin;

    for (char *lf; (lf = memchr(line, '\n', buf_len(to) - (size_t)(line - at) - 1));)
        line = lf + 1;
    line[3] = ' ';
}

bool ehlo_copy(struct buf *to, struct span reply, const struct ehlo_view *view)
{
    unsigned shown = 0;
    size_t begin = buf_len(to);
    bool begun = false, fits = put_line(to, span_of(view->name), SPAN(""));

    for (struct span line; fits && next_offer(&reply, &begun, &line);) {
        struct span rest = line;
        enum ehlo_keyword k = find(span_cut(&rest, ' '));

        if (k >= EHLO_STARTTLS || shown >> k & 1) /* not ours to pass, or said before */
            continue;
        shown |= 1U << k;
        fits = show(to, line, view);
    }
    if (fits && view->starttls)
        fits = put_line(to, SPAN("STARTTLS"), SPAN(""));
    if (fits)
        mark_last(to, begin);
    return fits;
}

static bool has_word(struct span list, struct span word)
{
    while (list.len > 0) {
        struct span one = span_cut(&list, ' ');

        if (span_same_nocase(one, word))
            return true;
    }
    return false;
}

/* AUTH, with what of it is in both. */
static bool common_auth(struct buf *to, struct span a, struct span b)
{
    char both[MECHANISMS];
    size_t len = 0;

    while (a.len > 0) {
        struct span one = span_cut(&a, ' ');

        if (one.len == 0 || !has_word(b, one) || len + 1 + one.len > sizeof both)
            continue;
        both[len++] = ' ';
        memcpy(both + len, one.at, one.len);
        len += one.len;
    }
    return len == 0 || put_line(to, SPAN("AUTH"), (struct span){both, len});
}

/* 0, or none, is no limit of its own (RFC 1870, 4). */
static bool common_size(struct buf *to, unsigned long a, unsigned long b)
{
    unsigned long least = a == 0 || (b != 0 && b < a) ? b : a;

    return least ? put_size(to, least) : put_line(to, SPAN("SIZE"), SPAN(""));
}

bool ehlo_common(struct buf *to, struct span a, struct span b)
{
    struct ehlo of_a = ehlo_read(a), of_b = ehlo_read(b);
    size_t begin = buf_len(to);
    bool fits = put_line(to, SPAN("both"), SPAN(""));

    for (enum ehlo_keyword k = 0; fits && k < EHLO_STARTTLS; k++) {
        if (!ehlo_has(&of_a, k) || !ehlo_has(&of_b, k))
            continue;
        if (k == EHLO_AUTH)
            fits = common_auth(to, ehlo_argument(a, "AUTH"), ehlo_argument(b, "AUTH"));
        else if (k == EHLO_SIZE)
            fits = common_size(to, of_a.size_max, of_b.size_max);
        else
            fits = put_line(to, words[k], SPAN(""));
    }
    if (fits)
        mark_last(to, begin);
    return fits;
}
