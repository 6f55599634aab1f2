/* SPDX-License-Identifier: Apache-2.0
 *
 * note - what workers tell the facts process, on the line where they ask.
 *
 * There is no answer. Both sides are children of one master: a note on the wire is the struct
 * itself, then `key_len` and `value_len` bytes. Its kind tells it from a question.
 */
#pragma once

#include <stdint.h>

#include "base/span.h"

enum note_kind {
    NOTE_SEEN = 1000, /* a domain has shown TLS; key: the domain */
    NOTE_SENT,        /* an outcome that its mail server may not hear; see sent.h */
    NOTE_AWAITED,     /* an outcome is awaited whose mail server is gone: it has the same key */
    NOTE_HEARD,       /* it did: forget that. Keys, a NUL NUL behind each */
    NOTE_LIKELY,      /* it most likely did: they may go at `until`. Keys likewise */
};

struct note {
    uint32_t number; /* 0: where a question has its number */
    uint32_t kind;
    uint32_t key_len, value_len;
    double until; /* when it may be forgotten, seconds since 1970 */
    char bytes[];
};

enum { NOTE_MAX = 20000 }; /* bytes of a whole one */

static inline size_t note_size(const struct note *n)
{
    return sizeof *n + n->key_len + n->value_len;
}

static inline struct span note_key(const struct note *n)
{
    return (struct span){n->bytes, n->key_len};
}

static inline struct span note_value(const struct note *n)
{
    return (struct span){n->bytes + n->key_len, n->value_len};
}
