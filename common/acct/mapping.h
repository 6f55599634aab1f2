/* SPDX-License-Identifier: Apache-2.0
 *
 * mapping - "d header_X-Campaign jobId": a header field that stands in for a column.
 *
 * Only columns that say what the sender's own systems call a message can be had this way. What
 * we saw ourselves (addresses, TLS, replies, times) no message can say of itself.
 */
#pragma once

#include "tell/record.h"

struct mapping {
    const char *type;   /* "d", "b", "t" or "r"; a tq record has no message */
    struct span header; /* its name, without "header_" */
    enum column column;
};

/* `text` must live as long. NULL, or what is wrong with it, and what would be right. */
const char *mapping_read(struct span text, struct mapping *out);

/* The name in "header_X-Campaign"; "" where it is none. */
struct span mapping_header(struct span word);
