/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/dns.h"

enum { HEADER = 12, CLASS_IN = 1, POINTER = 0xc0, LABEL_MAX = 63 };

/* What is being read, and how far. */
struct reader {
    const unsigned char *at;
    size_t len, from;
};

static bool take16(struct reader *r, unsigned *out)
{
    if (r->len - r->from < 2)
        return false;
    *out = (unsigned)r->at[r->from] << 8 | r->at[r->from + 1];
    r->from += 2;
    return true;
}

static bool skip(struct reader *r, size_t count)
{
    if (r->len - r->from < count)
        return false;
    r->from += count;
    return true;
}

static bool add_label(char *name, size_t *used, const unsigned char *label, size_t len)
{
    if (*used + len + 2 > DNS_NAME)
        return false;
    if (*used > 0)
        name[(*used)++] = '.';
    for (size_t i = 0; i < len; i++) {
        unsigned char c = label[i];

        name[(*used)++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    return true;
}

/* A name, and past it. A pointer must go backwards, so that no two of them make a circle. */
static bool take_name(struct reader *r, char name[DNS_NAME])
{
    size_t used = 0, at = r->from, before = r->from;
    bool jumped = false;

    for (;;) {
        if (at >= r->len)
            return false;
        size_t len = r->at[at++];

        if (len == 0)
            break;
        if ((len & POINTER) == POINTER) {
            if (at >= r->len)
                return false;
            size_t to = (len & ~(size_t)POINTER) << 8 | r->at[at++];

            if (!jumped)
                r->from = at;
            jumped = true;
            if (to >= before)
                return false;
            at = before = to;
            continue;
        }
        if (len > LABEL_MAX || r->len - at < len || !add_label(name, &used, r->at + at, len))
            return false;
        at += len;
    }
    name[used] = '\0';
    if (!jumped)
        r->from = at;
    return true;
}

static bool is_host(const char *name)
{
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_")] == '\0';
}

static void keep_v4(struct addr *a, const unsigned char *ip)
{
    *a = (struct addr){.ip = {[10] = 0xff, [11] = 0xff}};
    memcpy(a->ip + 12, ip, 4);
}

static void keep_v6(struct addr *a, const unsigned char *ip)
{
    *a = (struct addr){.port = 0};
    memcpy(a->ip, ip, 16);
}

/* The content of one record of `size` bytes. False: malformed. */
static bool take_content(struct reader *r, enum dns_type type, size_t size, struct dns_record *out)
{
    size_t start = r->from;

    *out = (struct dns_record){.preference = 0};
    switch (type) {
    case DNS_A:
        if (size != 4)
            return false;
        keep_v4(&out->at, r->at + start);
        return true;
    case DNS_AAAA:
        if (size != 16)
            return false;
        keep_v6(&out->at, r->at + start);
        return true;
    case DNS_MX:
        if (!take16(r, &out->preference) || !take_name(r, out->name) || r->from != start + size)
            return false;
        if (!is_host(out->name))
            memcpy(out->name, DNS_NO_HOST, sizeof DNS_NO_HOST);
        return true;
    case DNS_TXT: /* dns_read_texts() */
        break;
    }
    return false;
}

static bool skip_questions(struct reader *r, unsigned count)
{
    char name[DNS_NAME];

    while (count-- > 0)
        if (!take_name(r, name) || !skip(r, 4))
            return false;
    return true;
}

/* One record of the answer section; `*kept` if it was of the type and usable. */
static bool take_record(struct reader *r, enum dns_type type, struct dns_record *out, bool *kept)
{
    char owner[DNS_NAME];
    unsigned is, class, size;
    size_t end;

    if (!take_name(r, owner) || !take16(r, &is) || !take16(r, &class) || !skip(r, 4) ||
        !take16(r, &size) || r->len - r->from < size)
        return false;
    end = r->from + size;
    *kept = false;
    if (is == (unsigned)type && class == CLASS_IN) {
        if (!take_content(r, type, size, out))
            return false;
        *kept = true;
    }
    r->from = end;
    return true;
}

bool dns_read(struct span message, enum dns_type type, struct dns_record *out, size_t most,
              size_t *count)
{
    struct reader r = {.at = (const unsigned char *)message.at, .len = message.len, .from = 4};
    unsigned questions, answers;
    struct dns_record one;
    size_t found = 0;
    bool kept;

    if (message.len < HEADER || !take16(&r, &questions) || !take16(&r, &answers))
        return false;
    r.from = HEADER;
    if (!skip_questions(&r, questions))
        return false;
    for (; answers > 0; answers--) {
        if (!take_record(&r, type, &one, &kept))
            return false;
        if (kept && found < most)
            out[found++] = one;
    }
    *count = found;
    return true;
}

/* The strings of one TXT record, joined. False: malformed. */
static bool take_text(struct reader *r, size_t size, dns_text_fn *fn, void *arg)
{
    char text[DNS_TEXT];
    size_t end = r->from + size, used = 0;
    bool fits = true;

    while (r->from < end) {
        size_t len = r->at[r->from++];

        if (end - r->from < len)
            return false;
        fits = fits && len <= sizeof text - used;
        if (fits)
            memcpy(text + used, r->at + r->from, len);
        used += fits ? len : 0;
        r->from += len;
    }
    if (fits && fn)
        fn(arg, (struct span){text, used});
    return true;
}

static bool read_texts(struct span message, dns_text_fn *fn, void *arg)
{
    struct reader r = {.at = (const unsigned char *)message.at, .len = message.len, .from = 4};
    unsigned questions, answers, is, class, size;
    char owner[DNS_NAME];

    if (message.len < HEADER || !take16(&r, &questions) || !take16(&r, &answers))
        return false;
    r.from = HEADER;
    if (!skip_questions(&r, questions))
        return false;
    for (; answers > 0; answers--) {
        if (!take_name(&r, owner) || !take16(&r, &is) || !take16(&r, &class) || !skip(&r, 4) ||
            !take16(&r, &size) || r.len - r.from < size)
            return false;
        if (is != DNS_TXT || class != CLASS_IN)
            r.from += size;
        else if (!take_text(&r, size, fn, arg))
            return false;
    }
    return true;
}

bool dns_read_texts(struct span message, dns_text_fn *fn, void *arg)
{
    if (!read_texts(message, NULL, NULL))
        return false;
    return read_texts(message, fn, arg);
}
