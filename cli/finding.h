/* SPDX-License-Identifier: Apache-2.0
 *
 * finding - what was found, a line each: SEVERITY: WHERE: WHAT (DETAIL); REMEDY.
 */
#pragma once

#include "base/span.h"

enum severity { SEVERITY_OK, SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_ERROR, SEVERITY_COUNT };

enum finding {
#define FINDING(name, severity, what, remedy) FINDING_##name,
#include "cli/finding.def"
#undef FINDING
    FINDING_COUNT,
};

struct findings {
    unsigned count[SEVERITY_COUNT];
};

/* Prints it, without and with a detail. */
void finding_plain(struct findings *f, enum finding what, const char *where);
void finding_add(struct findings *f, enum finding what, const char *where, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The same with words that are no row: NULL for no remedy. */
void finding_say(struct findings *f, enum severity severity, const char *where, const char *what,
                 const char *detail, const char *remedy);

/* CLI_RIGHT or CLI_FINDINGS. */
int findings_status(const struct findings *f);
