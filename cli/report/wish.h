/* SPDX-License-Identifier: Apache-2.0
 *
 * wish - what a report is asked to be about.
 */
#pragma once

#include <time.h>

#include "base/addr.h"
#include "base/option.h"
#include "base/span.h"

struct wish {
    time_t since, until;         /* rows from `since` on, and before `until`; 0: no limit */
    const char *domain, *source; /* as said; "": all */
    struct patterns *patterns;   /* ours, of `domain`; NULL: all */
    struct option_head section;  /* that it is made of */
    struct network network;      /* of `source`, where it is one */
    bool by_network;
    unsigned top;            /* names in each list */
    unsigned days, messages; /* until a domain is ready */
};

enum { WISH_TOP = 20, WISH_DAYS = 14, WISH_MESSAGES = 20 };

void wish_init(struct wish *w);
void wish_clear(struct wish *w);

/* Texts must live as long. False with one line in `why`. */
MUST bool wish_domain(struct wish *w, const char *text, char *why, size_t size);
void wish_source(struct wish *w, const char *text);

/* "2026-11-22", "2026-11-22 14:00", with seconds, all in UTC; "7d" and the like are that long
 * before `now`. Of a day alone the end is meant where `whole`. False: none of these. */
MUST bool wish_time(const char *text, time_t now, bool whole, time_t *out);

/* "14d" or "14": days. */
MUST bool wish_days(const char *text, unsigned *out);

bool wish_has_domain(const struct wish *w, struct span domain);

/* `address` is of the client, `rule` the section that was for it; both may be "". */
bool wish_has_source(const struct wish *w, struct span address, struct span rule);
