/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/facts.h"

#include <stdlib.h>
#include <string.h>

#define SIZE(text, size) +size
_Static_assert(sizeof(int) + 1 TLS_FACTS_TEXTS(SIZE) <= FACTS_PACKED, "all of it has room");
#undef SIZE

/* bits, resumed, then the texts, each with its NUL. */
size_t facts_pack(const struct tls_facts *f, char to[FACTS_PACKED])
{
    size_t at = 0;

    memcpy(to, &f->bits, sizeof f->bits);
    at += sizeof f->bits;
    to[at++] = f->resumed;
#define PACK(text, size)                                   \
    {                                                      \
        size_t len = strnlen(f->text, sizeof f->text - 1); \
        memcpy(to + at, f->text, len);                     \
        to[at + len] = '\0';                               \
        at += len + 1;                                     \
    }
    TLS_FACTS_TEXTS(PACK)
#undef PACK
    return at;
}

static void take_text(struct span *from, char *to, size_t size)
{
    struct span text = span_cut(from, '\0');
    size_t len = text.len < size ? text.len : size - 1;

    memcpy(to, text.at, len);
    to[len] = '\0';
}

void facts_unpack(struct span from, struct tls_facts *out)
{
    *out = (struct tls_facts){.bits = 0};
    if (from.len <= sizeof out->bits)
        return;
    memcpy(&out->bits, from.at, sizeof out->bits);
    out->resumed = from.at[sizeof out->bits] == 1;
    from = span_after(from, sizeof out->bits + 1);
#define UNPACK(text, size) take_text(&from, out->text, sizeof out->text);
    TLS_FACTS_TEXTS(UNPACK)
#undef UNPACK
}

struct facts_kept *facts_keep(const struct tls_facts *f)
{
    char packed[FACTS_PACKED];
    size_t len = facts_pack(f, packed);
    struct facts_kept *kept = malloc(sizeof *kept + len);

    if (!kept)
        return NULL;
    kept->len = (unsigned short)len;
    memcpy(kept->bytes, packed, len);
    return kept;
}

const struct tls_facts *facts_of(const struct facts_kept *kept, struct tls_facts *room)
{
    if (!kept)
        return NULL;
    facts_unpack((struct span){kept->bytes, kept->len}, room);
    return room;
}
