/* SPDX-License-Identifier: Apache-2.0 */
#include "acct/pseudonym.h"

#include <ctype.h>
#include <stdlib.h>

#include "acct/hmac.h"
#include "base/siphash.h"
#include "base/text.h"

enum way { RETAIN, REDACT, SIPHASH, HMAC };

struct key {
    size_t len;
    unsigned char bytes[PSEUDONYM_KEY_MOST];
};

static const struct {
    const char *word;
    enum way way;
    bool hex;
    size_t least, most; /* bytes of the key; 0: it has none */
    const char *key;    /* what is to be said of a wrong one */
} policies[] = {
    {"retain", RETAIN, false, 0, 0, NULL},
    {"redact", REDACT, false, 0, 0, NULL},
    {"siphash", SIPHASH, false, 16, 16,
     "siphash has a key of 16 bytes; write {siphash, KEY}, or {siphash-hexkey, HEX} with 32 "
     "digits"},
    {"siphash-hexkey", SIPHASH, true, 16, 16,
     "siphash-hexkey has a key of 32 hex digits; write {siphash-hexkey, HEX}"},
    {"hmac-sha256", HMAC, false, PSEUDONYM_KEY_LEAST, PSEUDONYM_KEY_MOST,
     "hmac-sha256 has a key of 16 to 256 bytes, the longer the better; write {hmac-sha256, KEY}"},
    {"hmac-sha256-hexkey", HMAC, true, PSEUDONYM_KEY_LEAST, PSEUDONYM_KEY_MOST,
     "hmac-sha256-hexkey has a key of 32 to 512 hex digits; write {hmac-sha256-hexkey, HEX}"},
};

struct pseudonym {
    enum way way;
    char text[PSEUDONYM_TEXT]; /* of REDACT */
    size_t text_len;
    uint64_t sip[2];
    struct hmac *hmac; /* ours */
};

static size_t find_policy(struct texts policy)
{
    size_t i = 0;

    while (i < COUNT_OF(policies) &&
           !(policy.count > 0 && !strcasecmp(policy.at[0], policies[i].word)))
        i++;
    return i;
}

static int digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

    return at ? (int)(at - digits) : -1;
}

static bool read_hex(const char *text, struct key *out)
{
    for (out->len = 0; *text; text += 2) {
        int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);

        if (low < 0 || out->len == sizeof out->bytes)
            return false;
        out->bytes[out->len++] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static bool read_key(size_t policy, const char *text, struct key *out)
{
    struct span s = span_of(text);

    if (policies[policy].hex) {
        if (!read_hex(text, out))
            return false;
    } else {
        if (s.len > sizeof out->bytes)
            return false;
        memcpy(out->bytes, s.at, out->len = s.len);
    }
    return out->len >= policies[policy].least && out->len <= policies[policy].most;
}

/* Could it be a local part without quotes? Then an address stays one (RFC 5321, 4.1.2). */
static bool is_local_part(const char *text)
{
    static const char others[] = "!#$%&'*+-./=?^_`{|}~";
    size_t len = 0;

    while (isalnum((unsigned char)text[len]) || (text[len] && strchr(others, text[len])))
        len++;
    return len > 0 && len <= PSEUDONYM_TEXT && !text[len];
}

const char *pseudonym_objection(struct texts policy)
{
    size_t i = find_policy(policy);
    struct key key;

    if (i == COUNT_OF(policies))
        return "no such policy; write retain, redact, {redact, TEXT}, {siphash, KEY}, "
               "{siphash-hexkey, HEX}, {hmac-sha256, KEY} or {hmac-sha256-hexkey, HEX}";
    if (policies[i].way == RETAIN)
        return policy.count == 1 ? NULL : "retain has nothing behind it; drop that";
    if (policies[i].way == REDACT)
        return policy.count == 1 || (policy.count == 2 && is_local_part(policy.at[1]))
                   ? NULL
                   : "the text of redact stands before an @; write one of at most 64 letters, "
                     "digits and signs such as - _ . *";
    return policy.count == 2 && read_key(i, policy.at[1], &key) ? NULL : policies[i].key;
}

bool pseudonym_has_key(struct texts policy)
{
    size_t i = find_policy(policy);

    return i < COUNT_OF(policies) && policies[i].key;
}

static uint64_t little_endian(const unsigned char *at)
{
    uint64_t word = 0;

    for (int i = 7; i >= 0; i--)
        word = word << 8 | at[i];
    return word;
}

/* False: no memory. */
static bool start(struct pseudonym *p, size_t policy, struct texts words)
{
    struct span text = words.count > 1 ? span_of(words.at[1]) : SPAN("redacted");
    struct key key;

    p->way = policies[policy].way;
    if (p->way == REDACT) {
        p->text_len = text.len < sizeof p->text ? text.len : sizeof p->text;
        memcpy(p->text, text.at, p->text_len);
        return true;
    }
    if (!read_key(policy, words.at[1], &key))
        abort(); /* pseudonym_objection() was not asked */
    if (p->way == SIPHASH) {
        p->sip[0] = little_endian(key.bytes);
        p->sip[1] = little_endian(key.bytes + 8);
        return true;
    }
    p->hmac = hmac_new((struct span){(const char *)key.bytes, key.len});
    return p->hmac;
}

struct pseudonym *pseudonym_new(struct texts policy, bool *lost)
{
    size_t i = find_policy(policy);
    struct pseudonym *p;

    *lost = false;
    if (i == COUNT_OF(policies) || policies[i].way == RETAIN)
        return NULL;
    p = calloc(1, sizeof *p);
    if (p && !start(p, i, policy))
        pseudonym_free(&p);
    *lost = !p;
    return p;
}

void pseudonym_free(struct pseudonym **p)
{
    if (*p)
        hmac_free(&(*p)->hmac);
    free(*p);
    *p = NULL;
}

/* As the reference has it, the lowest byte first. */
static size_t put_siphash(const struct pseudonym *p, struct span local, char *to)
{
    uint64_t hash = siphash(p->sip, local);
    char bytes[8];

    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(hash >> (8 * i));
    return text_hex(to, (struct span){bytes, sizeof bytes});
}

size_t pseudonym_make(struct pseudonym *p, struct span local, char to[PSEUDONYM_TEXT])
{
    unsigned char mac[HMAC_BYTES];

    if (p->way == SIPHASH)
        return put_siphash(p, local, to);
    if (p->way == HMAC && hmac_make(p->hmac, local, mac))
        return text_hex(to, (struct span){(const char *)mac, sizeof mac});
    memcpy(to, p->text, p->text_len);
    return p->text_len;
}
