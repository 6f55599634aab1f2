/* SPDX-License-Identifier: Apache-2.0
 *
 * ids - which words of the mail server's are believed to be its queue id.
 */
#pragma once

#include <stdint.h>

#include "base/option.h"
#include "base/span.h"

struct ids {
    bool xforward, envid, auth;
    bool received; /* where none of those says one: of the topmost Received field */
    bool has_key;
    uint64_t key[2]; /* of smtp/envid.h */
};

/* Reads the option queue-id; without a key. False: `*wrong` is none of its words, and `out` stays
 * as it was. */
MUST bool ids_read(const struct texts *list, struct ids *out, const char **wrong);
