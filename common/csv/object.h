/* SPDX-License-Identifier: Apache-2.0
 *
 * object - the members that are wanted of a JSON object in a line (RFC 8259). Pure.
 */
#pragma once

#include "base/span.h"

/* `cells[i]` is the value of member `names[i]`, with `at` NULL where there is none; a string's
 * text, a number as it is written, "" of null; what is nested stays as it is. Values are in
 * `line`, which changes where something was escaped. False: not an object, or not whole; then
 * `cells` mean nothing. */
MUST bool object_read(char *line, size_t len, const char *const *names, size_t count,
                      struct span *cells);
