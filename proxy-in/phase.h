/* SPDX-License-Identifier: Apache-2.0
 *
 * phase - what a session does: a function for each phase, which returns the next one.
 */
#pragma once

#include "session.h"

typedef enum phase phase_fn(struct session *s);

phase_fn *phase_step(enum phase phase);

/* For the log: "waiting for a command". */
const char *phase_doing(enum phase phase);

/* Seconds that it may last, without progress. */
double phase_limit(const struct session *s, enum phase phase);

/* Changes with what counts as progress in this phase: commands, not bytes, where a command is
 * waited for; and of a message not every drop. */
uint64_t phase_progress(const struct session *s);

/* It lasted too long: says what there is to say, and the next phase comes back. */
enum phase phase_time_out(struct session *s);
