/* SPDX-License-Identifier: Apache-2.0 */
#include "tell/pen.h"

#include <math.h>
#include <stdint.h>

#include "base/text.h"

/* A cut inside of a character takes all of it away. */
static struct span cut_to(struct span s, size_t most)
{
    if (s.len <= most)
        return s;
    s.len = most;
    while (s.len > 0 && ((unsigned char)s.at[s.len] & 0xc0) == 0x80)
        s.len--;
    return s;
}

void pen_put(struct pen *p, struct span s)
{
    if (s.len > sizeof p->line - p->len) {
        p->full = true;
        return;
    }
    memcpy(p->line + p->len, s.at, s.len);
    p->len += s.len;
}

/* Cleaned, and quotes and backslashes escaped. */
static void put_odd(struct pen *p, struct span value)
{
    char clean[RECORD_MAX + 1];
    struct span rest = {clean, text_clean(clean, sizeof clean, value)};

    while (rest.len > 0) {
        size_t plain = text_plain(rest);

        if (plain == 0) {
            if (rest.at[0] == '"' || rest.at[0] == '\\')
                pen_put(p, SPAN("\\"));
            plain = 1;
        }
        pen_put(p, (struct span){rest.at, plain});
        rest = span_after(rest, plain);
    }
}

/* Behind its start; nearly always as it is. */
static void put_value(struct pen *p, struct span value)
{
    char *at = p->line + p->len;

    if (value.len < sizeof p->line - p->len && text_copy_plain(at, value)) {
        at[value.len] = '"';
        p->len += value.len + 1;
        return;
    }
    put_odd(p, value);
    pen_put(p, SPAN("\""));
}

void pen_member(struct pen *p, struct span start, struct span value, size_t most)
{
    pen_put(p, start);
    put_value(p, cut_to(value, most));
}

void pen_column(struct pen *p, const char start[PEN_START], size_t len, struct span value,
                size_t most)
{
    if (sizeof p->line - p->len < PEN_START) {
        p->full = true;
        return;
    }
    memcpy(p->line + p->len, start, PEN_START);
    p->len += len;
    put_value(p, cut_to(value, most));
}

bool pen_can_time(double seconds)
{
    return isfinite(seconds) && seconds >= 1 && seconds < 1e10;
}

/* The last `count` of them, which is even. */
static void put_digits(char *to, uint64_t n, int count)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";

    for (int at = count - 2; at >= 0; at -= 2, n /= 100)
        memcpy(to + at, pairs + 2 * (n % 100), 2);
}

/* In parts, so that no locale puts a comma into it. */
void pen_time(struct pen *p, struct span start, double seconds)
{
    enum { WHOLE = 10, PARTS = 6 };
    uint64_t micros = pen_can_time(seconds) ? (uint64_t)(seconds * 1e6 + 0.5) : 0;
    char digits[WHOLE + 1 + PARTS];
    size_t at = 0;

    put_digits(digits, micros / 1000000, WHOLE);
    digits[WHOLE] = '.';
    put_digits(digits + WHOLE + 1, micros % 1000000, PARTS);
    while (at + 1 < WHOLE && digits[at] == '0')
        at++;
    pen_put(p, start);
    pen_put(p, (struct span){digits + at, sizeof digits - at});
}
