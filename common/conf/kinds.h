/* SPDX-License-Identifier: Apache-2.0
 *
 * kinds - the sections of the file, for settings.c and for what prints sample and manual.
 */
#pragma once

#include "conf/sections.h"

enum {
    KIND_GLOBAL,
    KIND_SMTP_LISTENER,
    KIND_BACKEND,
    KIND_SOURCE,
    KIND_SENDER_DOMAIN,
    KIND_RELAY_LISTENER,
    KIND_DOMAIN_MACRO,
    KIND_DOMAIN,
    KIND_MX_ROLLUP_LIST,
    KIND_MX,
    KIND_MILTER_LISTENER,
    KIND_ACCT_FILE,
    KIND_RECORD_FIELDS,
    KIND_BOUNCE_CATEGORY_PATTERNS,
    KIND_PATTERN,
    KIND_COUNT,
};

/* In the order of the enum and of the manual; a NULL name behind the last. */
extern const struct kind kinds[];
