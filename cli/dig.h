/* SPDX-License-Identifier: Apache-2.0
 *
 * dig - one question to name servers, and the answer as it came, for show: what is decided is
 * decided elsewhere, from the same answers.
 */
#pragma once

#include "dns/resolve.h"

struct dig {
    bool done, left;
    enum resolved how;
    bool secure;
    size_t len;
    char *message; /* ours */
};

/* NULL: no memory. It is over when it is `done`. */
struct dig *dig_new(struct resolve *r, const char *name, enum dns_type type);

/* Whether it is over or not. */
void dig_free(struct dig **d);

struct span dig_message(const struct dig *d);
