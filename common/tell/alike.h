/* SPDX-License-Identifier: Apache-2.0
 *
 * alike - receptions of one session, of which most is read once.
 *
 * A worker writes what a session's receptions say alike once and puts the same bytes at the end of
 * each line (record_columns()): here they are known again, byte for byte, and only what stands
 * before them is read. What is not known is read as any line, so whatever a line holds, what
 * comes of it is the same. Keeps what the last sessions said, 360 KB.
 */
#pragma once

#include "tell/record.h"

struct alike;

/* Places for what is remembered: record_alike.place is below. */
enum { ALIKE_PLACES = 256 };

/* NULL: no memory. */
struct alike *alike_new(void);
void alike_free(struct alike **a);

/* As record_read(), of a line without its LF. Sets `alike`. Spans may also point into `a`, until
 * the next line is read. */
MUST bool alike_read(struct alike *a, struct span line, struct record *out,
                     struct record_memory **memory);
