/* SPDX-License-Identifier: Apache-2.0
 *
 * sinks - the accounting files of the configuration, and their rows of one batch.
 */
#pragma once

#include "milter/books/journal.h"
#include "conf/settings.h"
#include "tell/record.h"

struct sinks;

/* The settings must live as long. NULL with one line in `why`. */
struct sinks *sinks_open(const struct settings *settings, char *why, size_t size);

/* Makes them known to the journal, which they must outlive. `sync`: rows count as written when
 * they are on the disk. */
MUST bool sinks_register(struct sinks *s, struct journal *j, bool sync, char *why, size_t size);
void sinks_close(struct sinks **s);

/* For the accountant, once the journal has written its last batch: removes the backlogs of
 * programs that are none of the configuration's any more. */
void sinks_begin(struct sinks *s);

/* A row in each file that wants records of its type, with bounceCat filled in. False: no memory;
 * forget the batch. */
MUST bool sinks_add(struct sinks *s, struct record *r);

/* Has one of them so many rows that the batch should end? */
bool sinks_are_full(const struct sinks *s);

/* All rows into the journal, in its transaction. */
MUST bool sinks_keep(struct sinks *s, struct journal *j, struct store_txn *t);
void sinks_forget(struct sinks *s);
