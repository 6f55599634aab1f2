/* SPDX-License-Identifier: Apache-2.0
 *
 * rules - source sections for unit tests.
 */
#pragma once

#include "rule/source.h"

/* A section as the file would give it, in line 7 of the file "f": its title, and "option value"
 * one after the other; of lists only report_only, "report_only a,b",
 * of texts only smtp_max_auth_failure_rate. */
struct source rules_section(const char *title, const char *said);
