/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/line.h"

#include "base/text.h"

/* What each byte says. */
static const unsigned char says[256] = {
    [0x00] = LINE_HAS_BREAK | LINE_HAS_CONTROL,
    [0x01 ... 0x09] = LINE_HAS_CONTROL,
    ['\n'] = LINE_HAS_BREAK | LINE_HAS_CONTROL,
    [0x0b ... 0x0c] = LINE_HAS_CONTROL,
    ['\r'] = LINE_HAS_BREAK | LINE_HAS_CONTROL,
    [0x0e ... 0x1f] = LINE_HAS_CONTROL,
    [0x7f] = LINE_HAS_CONTROL,
    [0x80 ... 0xff] = LINE_HAS_8BIT,
};

unsigned line_has(struct span line)
{
    unsigned has = 0;

    for (size_t i = text_plain(line); i < line.len; i++) /* mostly all of it is */
        has |= says[(unsigned char)line.at[i]];
    return has;
}

enum line_is line_find(struct span in, size_t max, struct span *out)
{
    const char *lf = in.len ? memchr(in.at, '\n', in.len < max ? in.len : max) : NULL;

    /* A TLS handshake, say, need not be waited for to its first LF. */
    if (in.len && (unsigned char)in.at[0] < ' ' && in.at[0] != '\r')
        return LINE_BROKEN;
    if (!lf)
        return in.len >= max ? LINE_TOO_LONG : LINE_NOT_YET;
    *out = (struct span){in.at, (size_t)(lf - in.at)};
    if (out->len == 0 || out->at[out->len - 1] != '\r')
        return LINE_BROKEN;
    out->len--;
    return line_has(*out) & LINE_HAS_BREAK ? LINE_BROKEN : LINE_WHOLE;
}

bool line_is_http(struct span line)
{
    static const char *const methods[] = {"GET",     "POST",  "HEAD",  "PUT", "DELETE",
                                          "OPTIONS", "TRACE", "PATCH", "PRI", "CONNECT"};
    struct span rest = line, word = span_cut(&rest, ' ');

    for (size_t i = 0; i < COUNT_OF(methods); i++)
        if (span_is_nocase(word, methods[i]))
            return true;
    return line.len > 8 && span_starts_nocase(span_after(line, line.len - 8), "HTTP/");
}

bool line_is_head(struct span line)
{
    return span_starts_nocase(line, "PROXY ");
}
