/* SPDX-License-Identifier: Apache-2.0
 *
 * bio - the socket under TLS.
 *
 * OpenSSL's own sends each record by itself. Here one can say that more follows at once: then
 * the kernel waits with what does not fill a segment (MSG_MORE), for 200 ms at the most. So
 * a ticket leaves together with the words behind it, records of one write together, and
 * close_notify together with FIN.
 */
#pragma once

#include <stdbool.h>

struct bio_st;

/* On a socket by what lies before it (slack.h), which stays yours. NULL: no memory. */
struct slack;
struct bio_st *bio_new(struct slack *slack);

/* OpenSSL's own, only for writing, by which it can hand its keys to the kernel (ktls.h); and
 * whether that now encrypts what is written. */
struct bio_st *bio_new_offloading(int fd);
bool bio_is_offloaded(struct bio_st *b);

/* More follows what is written next; or, what is written from now on. Those of others stay as they
 * are. */
void bio_expect_more(struct bio_st *b);
void bio_expect_end(struct bio_st *b);

/* The last read got all that it asked for, so there may be more; false for those of others. */
bool bio_is_filled(struct bio_st *b);
