/* SPDX-License-Identifier: Apache-2.0
 *
 * text - a report for people, in 80 columns.
 */
#pragma once

#include <stdio.h>

#include "cli/report/report.h"

/* Bars are made of blocks, or of # where the terminal has no UTF-8. */
void report_as_text(const struct report *r, FILE *out, bool blocks);
