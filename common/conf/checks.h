/* SPDX-License-Identifier: Apache-2.0
 *
 * checks - for check.c only: what makes a section of each kind right.
 */
#pragma once

#include "conf/arena.h"
#include "conf/problem.h"
#include "conf/sections.h"

struct check {
    struct section *list; /* its first: the file's own options */
    struct arena *arena;
    struct problems *problems;
    size_t backends;
    struct macros *macros; /* NULL: they are wrong, and that was said */
    bool has_certificate;  /* a listener has; or there is none, and so nothing to say */
};

#define wrong(c, s, name, ...) section_wrong(s, (c)->problems, name, __VA_ARGS__)

/* Of KIND_... */
bool check_is_kind(const struct section *s, int kind);

/* False: `text` is no ADDRESS:PORT, and that was said. */
bool check_read_at(struct check *c, struct section *s, const char *name, const char *text,
                   struct addr *out);
void check_host(struct check *c, struct section *s, const char *name, const char *host);

/* NULL: there is none. */
const struct section *check_find(const struct check *c, int kind, const char *title);

/* Says that something is named that is not there. */
void check_wrong_name(struct check *c, struct section *s, const char *name, int kind,
                      const char *title);

/* check_in.c */
void check_in_begin(struct check *c); /* once the listeners are known, before the sources */
void check_smtp_listener(struct check *c, struct section *s);
void check_source(struct check *c, struct section *s);
void check_sender_domain(struct check *c, struct section *s);
void check_fingerprints(struct check *c, struct section *s, const char *name,
                        const struct texts *list);

/* check_backend.c */
void check_backend(struct check *c, struct section *s);

/* check_out.c */
void check_relay_listener(struct check *c, struct section *s);
void check_domain(struct check *c, struct section *s);
void check_domain_macro(struct check *c, struct section *s);
void check_mx_rollup_list(struct check *c, struct section *s);
void check_mx(struct check *c, struct section *s);

/* check_acct.c */
void check_milter_listener(struct check *c, struct section *s);
void check_acct_file(struct check *c, struct section *s);
void check_record_fields(struct check *c, struct section *s);

/* patterns.c */
void check_pattern_list(struct check *c, struct section *s);
void check_pattern(struct check *c, struct section *s);

/* check_program.c: that it can be run; that none of its options are for files only. */
void check_acct_program(struct check *c, struct section *s);
void check_acct_options(struct check *c, struct section *s);
