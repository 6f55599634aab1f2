/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include <ctype.h>

#include "base/clock.h"
#include "base/text.h"

/* Bytes of a name, of a subject. */
enum { NAME_MAX_LEN = 255, SUBJECT_MAX = 255 };

static bool is_of_name(unsigned char c, bool utf8)
{
    return c >= 0x80 ? utf8 : isalnum(c) || (c && strchr("-._:[]", c));
}

/* A name or an address literal; what can be neither becomes '?'. */
static bool put_name(struct buf *to, const char *name, bool utf8)
{
    char clean[NAME_MAX_LEN + 1];
    size_t len = text_clean(clean, sizeof clean, span_of(name ? name : ""));

    for (size_t i = 0; i < len; i++)
        if (!is_of_name((unsigned char)clean[i], utf8))
            clean[i] = '?';
    return buf_add(to, len ? (struct span){clean, len} : SPAN("unknown"));
}

/* Inside of a comment (RFC 5322, 3.2.2). */
static bool put_comment(struct buf *to, const char *text, bool utf8)
{
    char clean[SUBJECT_MAX + 1], made[2 * SUBJECT_MAX];
    size_t len = text_clean(clean, sizeof clean, span_of(text)), count = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)clean[i];

        if (strchr("()\\", c))
            made[count++] = '\\';
        made[count++] = c >= 0x80 && !utf8 ? '?' : (char)c;
    }
    return buf_add(to, (struct span){made, count});
}

static bool put_from(struct buf *to, const struct trace *t)
{
    char text[ADDR_TEXT];

    return buf_add(to, SPAN("Received: from ")) && put_name(to, t->helo, t->utf8) &&
           buf_addf(to, " (unknown [%s%s])\r\n",
                    addr_is_v4(&t->client) ? "" : "IPv6:", addr_text(&t->client, text));
}

static bool put_certificate(struct buf *to, const struct trace *t)
{
    const struct tls_facts *tls = t->tls;
    bool good = span_is(span_of(tls->verify), "ok");

    if (!*tls->peer_fingerprint)
        return buf_add(to, SPAN("\t no client certificate)\r\n"));
    return buf_add(to, SPAN("\t client certificate \"")) &&
           put_comment(to, tls->peer_subject, t->utf8) &&
           buf_add(to, good ? SPAN("\"\r\n\t verified)\r\n") : SPAN("\"\r\n\t not verified: ")) &&
           (good || (put_comment(to, tls->verify, t->utf8) && buf_add(to, SPAN(")\r\n"))));
}

static bool put_tls(struct buf *to, const struct trace *t)
{
    const struct tls_facts *tls = t->tls;

    return buf_addf(to, "\t(using %s with cipher %s (%d bits)%s%s\r\n", tls->protocol, tls->cipher,
                    tls->bits, *tls->group ? "\r\n\t key exchange " : "", tls->group) &&
           put_certificate(to, t);
}

/* RFC 3848; RFC 6531, 3.7.3. HELO has one word only, whatever came before it. */
static bool put_protocol(struct buf *to, const struct trace *t)
{
    if (!t->extended && !t->utf8)
        return buf_add(to, SPAN("SMTP"));
    return buf_addf(to, "%s%s%s", t->utf8 ? "UTF8SMTP" : "ESMTP", t->tls ? "S" : "",
                    t->authenticated ? "A" : "");
}

bool trace_make(struct buf *to, const struct trace *t, double now)
{
    char date[CLOCK_DATE];

    return put_from(to, t) && (!t->tls || put_tls(to, t)) &&
           buf_addf(to, "\tby %.255s (sallyport) with ", t->host) && put_protocol(to, t) &&
           buf_addf(to, "\r\n\tid %s;\r\n\t%s\r\n", t->session, clock_date(now, date));
}
