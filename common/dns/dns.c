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

        /* Text has no way to say them inside of a label: nothing that is_host() lets through. */
        if (c == '.' || c == '\0')
            c = '!';
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

/* A name at the end of a record; shown as DNS_NO_HOST if it is no host's. */
static bool take_host(struct reader *r, size_t end, char name[DNS_NAME])
{
    if (!take_name(r, name) || r->from != end)
        return false;
    if (!is_host(name))
        memcpy(name, DNS_NO_HOST, sizeof DNS_NO_HOST);
    return true;
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
        return take16(r, &out->preference) && take_host(r, start + size, out->name);
    case DNS_CNAME:
        return take_host(r, start + size, out->name);
    case DNS_TLSA:
        out->content = (struct span){(const char *)r->at + start, size};
        return true;
    case DNS_SOA:
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

/* One record, up to its content. */
struct head {
    char owner[DNS_NAME];
    unsigned type, class, size;
    unsigned long ttl;
};

static bool take_head(struct reader *r, struct head *h)
{
    unsigned high = 0, low = 0;
    bool ok = take_name(r, h->owner) && take16(r, &h->type) && take16(r, &h->class) &&
              take16(r, &high) && take16(r, &low) && take16(r, &h->size);

    h->ttl = (unsigned long)high << 16 | low;
    return ok && r->len - r->from >= h->size;
}

/* To the first of `*answers` records. */
static bool begin(struct reader *r, struct span message, unsigned *questions, unsigned *answers)
{
    *r = (struct reader){.at = (const unsigned char *)message.at, .len = message.len, .from = 4};
    if (message.len < HEADER || !take16(r, questions) || !take16(r, answers))
        return false;
    r->from = HEADER;
    return skip_questions(r, *questions);
}

unsigned long dns_life(struct span message)
{
    struct reader r, counts;
    struct head h;
    unsigned questions, answers, authority = 0;
    unsigned long least = 0;

    if (!begin(&r, message, &questions, &answers))
        return 0;
    counts = (struct reader){.at = r.at, .len = r.len, .from = 8};
    if (!take16(&counts, &authority))
        return 0;
    for (unsigned i = 0; i < answers + authority; i++) {
        if (!take_head(&r, &h))
            return 0;
        if (i == 0 || h.ttl < least)
            least = h.ttl;
        r.from += h.size;
    }
    return least;
}

/* Where there is no more room: in the place of the worst, if that is worse. */
static void keep_better(struct dns_record *all, size_t count, const struct dns_record *one)
{
    struct dns_record *worst = all;

    for (size_t i = 1; i < count; i++)
        if (all[i].preference > worst->preference)
            worst = &all[i];
    if (count > 0 && worst->preference > one->preference)
        *worst = *one;
}

bool dns_read(struct span message, enum dns_type type, struct dns_record *out, size_t most,
              size_t *count)
{
    struct reader r;
    struct head h;
    struct dns_record one;
    unsigned questions, answers;
    size_t found = 0;

    if (!begin(&r, message, &questions, &answers))
        return false;
    for (; answers > 0; answers--) {
        if (!take_head(&r, &h))
            return false;
        size_t end = r.from + h.size;

        if (h.type == (unsigned)type && h.class == CLASS_IN) {
            if (!take_content(&r, type, h.size, &one))
                return false;
            if (found < most)
                out[found++] = one;
            else if (type == DNS_MX)
                keep_better(out, found, &one);
        }
        r.from = end;
    }
    *count = found;
    return true;
}

/* The resolver puts aliases in the order in which it followed them. */
bool dns_read_end(struct span message, char name[DNS_NAME])
{
    struct reader r;
    struct head h;
    struct dns_record alias;
    unsigned questions, answers;
    size_t end;

    if (!begin(&r, message, &questions, &answers) || questions != 1)
        return false;
    r.from = HEADER;
    if (!take_name(&r, name) || !skip(&r, 4))
        return false;
    for (; answers > 0; answers--) {
        if (!take_head(&r, &h))
            return false;
        end = r.from + h.size;
        if (h.type == DNS_CNAME && h.class == CLASS_IN && strcmp(h.owner, name) == 0) {
            if (!take_content(&r, DNS_CNAME, h.size, &alias))
                return false;
            memcpy(name, alias.name, sizeof alias.name);
        }
        r.from = end;
    }
    if (!is_host(name))
        memcpy(name, DNS_NO_HOST, sizeof DNS_NO_HOST);
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
    struct reader r;
    struct head h;
    unsigned questions, answers;

    if (!begin(&r, message, &questions, &answers))
        return false;
    for (; answers > 0; answers--) {
        if (!take_head(&r, &h))
            return false;
        if (h.type != DNS_TXT || h.class != CLASS_IN)
            r.from += h.size;
        else if (!take_text(&r, h.size, fn, arg))
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
