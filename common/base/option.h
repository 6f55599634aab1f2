/* SPDX-License-Identifier: Apache-2.0
 *
 * option - what can be configured, said once.
 *
 * A room lists its options in one macro. The struct, the parser, defaults, ranges,
 * the sample file, the manual and merging all come of it:
 *
 *   #define TLS_OPTIONS(O, S)                                                        \
 *       O(S, TIME, handshake_timeout, "30s", RANGE(1, 600), "Time for a handshake.") \
 *       O(S, WORD, identity, "none", WORDS("none proxy-v1 xclient"), "How ...")
 *
 *   struct tls_conf { OPTION_HEAD TLS_OPTIONS(OPTION_FIELD, tls_conf) };
 *   const struct option tls_options[] = { TLS_OPTIONS(OPTION_ROW, tls_conf) OPTION_END };
 *
 * In the file the name has '-' for '_'. A struct made this way begins with the title of
 * its section, where it stands, and which options were set there. At most OPTION_MOST of them:
 * OPTIONS_FIT(tls_options) proves it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum option_kind {
    OPTION_TEXT,  /* const char *, never NULL */
    OPTION_PATH,  /* const char *, never NULL; a relative one counts from the file's folder */
    OPTION_FILE,  /* a PATH that must be there and readable, unless "" */
    OPTION_FLAG,  /* bool: yes no true false */
    OPTION_COUNT, /* unsigned long */
    OPTION_SIZE,  /* unsigned long, bytes: 10b 10k 10m 10g 10t; "unlimited" and 0 are 0 */
    OPTION_TIME,  /* unsigned long, seconds: 1w2d12h30m5s, bare numbers are seconds */
    OPTION_WORD,  /* unsigned: the word's place in WORDS(), from 0 */
    OPTION_LIST,  /* struct texts: {a, b} or one alone */
    OPTION_NETS,  /* struct networks: {10/8, ::1} */
    OPTION_FILES, /* struct texts: {FILE, FILE} or one alone, each as a FILE */
    OPTION_CERTS, /* struct cert_files: FILE or {FILE, PASSWORD}; said again, it adds one */
};

struct texts {
    const char *const *at;
    size_t count;
};

struct networks {
    const struct network *at;
    size_t count;
};

/* Is `a` in one of them? */
bool networks_has(const struct networks *n, const struct addr *a);

struct cert_file {
    const char *file, *password; /* the password is "" where none is needed */
};

struct cert_files {
    const struct cert_file *at;
    size_t count;
};

typedef const char *option_c_TEXT;
typedef const char *option_c_PATH;
typedef const char *option_c_FILE;
typedef bool option_c_FLAG;
typedef unsigned long option_c_COUNT;
typedef unsigned long option_c_SIZE;
typedef unsigned long option_c_TIME;
typedef unsigned option_c_WORD;
typedef struct texts option_c_LIST;
typedef struct networks option_c_NETS;
typedef struct texts option_c_FILES;
typedef struct cert_files option_c_CERTS;

struct option {
    const char *name; /* as in C, with '_' */
    enum option_kind kind;
    size_t offset, size;
    const char *fallback; /* as it would stand in the file */
    unsigned long least, most;
    const char *words; /* of a WORD, with a space between; of a TIME: the one that means 0 */
    const char *doc;
};

enum { OPTION_MOST = 64 };

/* Where a section stands, and which of its options the file set: bit i is row i. */
struct option_head {
    const char *title; /* "" for the file's own options */
    const char *file;
    unsigned line;
    uint64_t set;
    const unsigned *lines; /* for each option, where it was set; 0: it was not. May be NULL */
};

#define RANGE(from, to) .least = (from), .most = (to)
#define RANGE_OR(word, from, to) RANGE(from, to), .words = (word)
#define WORDS(list) .words = (list)
#define ANY .words = NULL

#define OPTION_HEAD struct option_head head;
#define OPTION_FIELD(S, kind, name, fallback, limits, doc) option_c_##kind name;
#define OPTION_ROW(S, kind_, name_, fallback_, limits, doc_) \
    {.name = #name_,                                         \
     .kind = OPTION_##kind_,                                 \
     .offset = offsetof(struct S, name_),                    \
     .size = sizeof(((struct S *)0)->name_),                 \
     .fallback = fallback_,                                  \
     limits,                                                 \
     .doc = doc_},
#define OPTION_END   \
    {                \
        .name = NULL \
    }
#define OPTIONS_FIT(list) _Static_assert(COUNT_OF(list) <= OPTION_MOST + 1, "the bits of `set`")

/* Reads one value of a FLAG, COUNT, SIZE, TIME or WORD into its place in the struct `into`.
 * False, and nothing changed: it is none, or out of range. */
MUST bool option_read(const struct option *o, struct span text, void *into);

/* Gives each option its value for a file that says nothing; texts are the table's own. Only
 * lists become empty, whatever their fallback: they need memory (conf/value.h). */
void option_defaults(const struct option *options, void *into);

/* For each option that `from` sets: copies its value to `into` and marks it set there; `into`
 * then has the title and the place of `from`. Both are structs of the list `options`. Texts and
 * lists are shared, not copied. */
void option_merge(const struct option *options, void *into, const void *from);

/* Was this option set in the file? By its row, so a name that is no option does not compile:
 * option_is_set(source_options, &rule->head, offsetof(struct source, allow_auth)). */
bool option_is_set(const struct option *options, const struct option_head *head, size_t offset);

/* Where row `row` was set, or, where that is not known, the section. */
unsigned option_line(const struct option_head *head, size_t row);

/* The word of a WORD with this number. */
struct span option_word(const struct option *o, unsigned number);

/* Visits each file that the struct `of` names, by options FILE, FILES and CERTS. */
typedef void option_file_fn(void *arg, const struct option *o, const char *path);
void option_files(const struct option *options, const void *of, option_file_fn *visit, void *arg);

/* The mistake of two sections `kind` that are one, as a line in `why`: the later one's place, and
 * where the first is. */
void option_say_twins(const char *kind, const struct option_head *a, const struct option_head *b,
                      char *why, size_t size);
