/* SPDX-License-Identifier: Apache-2.0
 *
 * json - a report for programs.
 *
 * It is one object, its names those of report.h; times are seconds since 1970.
 */
#pragma once

#include <stdio.h>

#include "cli/report/report.h"

void report_as_json(const struct report *r, FILE *out);
