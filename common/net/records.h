/* SPDX-License-Identifier: Apache-2.0
 *
 * records - memory for TLS records.
 *
 * OpenSSL takes 16 to 66 KB for a record, in each direction and for a handshake, and two pages for
 * what it writes in a handshake, and gives it all back as soon as the connection is idle. Between
 * the small pieces of the heap such holes stay: after 2,000 sessions that came at once, 20 to 25 KB
 * for each, and 5 of the pages. So what is of these two sizes comes from places of their own, and
 * from there goes back to the system; some are kept for the next, as long as there is one.
 *
 * What is smaller is a block (base/block.h).
 *
 * For processes with one thread. Children that are forked have each their own.
 */
#pragma once

#include <stddef.h>

enum {
    RECORDS_LEAST = 16384, /* what is smaller, or larger than a slot, is a block */
    RECORDS_SLOT = 69632,
    RECORDS_MOST = 16384, /* slots; what is more is a block, too */
    RECORDS_KEPT = 64,    /* free ones that keep their memory */
    PAGES_LEAST = 2049,   /* the same of pages, of which there are as many */
    PAGES_SLOT = 4096,
};

/* From here all that OpenSSL allocates comes by the three below. Before it has allocated anything,
 * or nothing happens. */
void records_use(void);

/* As malloc(), realloc() and free(). */
void *records_get(size_t size);
void *records_resize(void *old, size_t size);
void records_give(void *at);

/* What the places kept and nobody took since the last call goes back; the small blocks stay. The
 * proxies call it once a second. */
void records_rest(void);
