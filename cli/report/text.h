/* SPDX-License-Identifier: Apache-2.0
 *
 * text - a report for people, in 80 columns; and for programs, as JSON.
 *
 * The JSON is one object, its names those of report.h; times are seconds since 1970.
 */
#pragma once

#include <stdio.h>

#include "cli/report/report.h"

/* Bars are made of blocks, or of # where the terminal has no UTF-8. */
void report_as_text(const struct report *r, FILE *out, bool blocks);

void report_as_json(const struct report *r, FILE *out);
