/* SPDX-License-Identifier: Apache-2.0
 *
 * html - a report as a page that stands alone: one file, no script, nothing fetched, and a policy
 * in it that forbids both. It reads well on a telephone, in print, in the dark and aloud.
 */
#pragma once

#include <stdio.h>

#include "cli/report/report.h"

/* Writes the page. What goes wrong with `out` is ferror()'s to say. */
void report_html(const struct report *r, FILE *out);

/* May this file be written? False and in `why`, which names the file: it is there, with something
 * in it, and is no page; accounting files are not to be lost by a slip. */
MUST bool report_html_may(const char *path, char *why, size_t size);

/* The same as a file of this name, which is there whole or as it was. 0; -1 and in `why`, which
 * names the file, what did not work. */
MUST int report_html_file(const struct report *r, const char *path, char *why, size_t size);
