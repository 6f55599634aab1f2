/* SPDX-License-Identifier: Apache-2.0
 *
 * reports - says what report-only lets pass, so that nobody forgets that it does.
 */
#pragma once

#include "rule/domain.h"
#include "rule/sender.h"
#include "rule/source.h"

/* A line for each rule of `fresh` (bits 1 << REPORT_...): the session `id` broke it for the first
 * time, and would have been refused. */
void reports_tell(const char *id, const struct source *rule, unsigned fresh);

/* A line for each section with a report-only, when a generation starts (`*told` is 0) and then
 * once a day. `now` as clock_mono(). */
void reports_warn(const struct source *sources, size_t source_count, const struct sender *senders,
                  size_t sender_count, double now, double *told);

/* The same of domain sections. */
void reports_warn_domains(const struct domain *domains, size_t count, double now, double *told);
