/* SPDX-License-Identifier: Apache-2.0
 *
 * log - one line an event: `name session event key=value key=value`.
 *
 * The session's id comes first, the event is a fixed word, values are quoted and cleaned
 * here and nowhere else. To stderr or syslog, one write a line.
 */
#pragma once

#include "base/span.h"

/* FAULT: a person must act; such a line says level=error. LIFE: the life of the program.
 * SESSION: one line a session. STEP: one a step. (Not syslog's names: its header makes macros of
 * them.) */
enum log_level { LOG_FAULT, LOG_LIFE, LOG_SESSION, LOG_STEP };
#define LOG_LEVEL_WORDS "error notice info debug"
#define LOG_TO_WORDS "stderr syslog"

enum log_to { LOG_TO_STDERR, LOG_TO_SYSLOG };

/* `name` must live as long as the process. */
void log_open(const char *name, enum log_to to, enum log_level most);

struct log_pair {
    const char *key;
    struct span value;
};

/* `id` "" where it is about no session. */
void log_pairs(enum log_level level, const char *id, const char *event,
               const struct log_pair *pairs, size_t count);

/* log_say(LOG_LIFE, "", "started", {"workers", span}, ...) */
#define log_say(level, id, event, ...)                                  \
    log_pairs(level, id, event, (const struct log_pair[]){__VA_ARGS__}, \
              sizeof((const struct log_pair[]){__VA_ARGS__}) / sizeof(struct log_pair))

/* True where a line of this level would be written: ask before work that is only for it. */
bool log_is_on(enum log_level level);

/* A number as a value; good until the 16th next call. Not for threads. */
struct span log_number(double n);
