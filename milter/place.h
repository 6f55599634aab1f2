/* SPDX-License-Identifier: Apache-2.0
 *
 * place - where a milter-listener listens: on a file, whose next generation can take its place
 * while the old one goes on, or on a port, which only one at a time may have. Pure.
 */
#pragma once

#include "conf/settings.h"

/* The path in "unix:/path", "local:/path" or "/path"; NULL for a port. */
const char *place_file(const struct milter_listener *l);

unsigned place_count_files(const struct settings *s);
unsigned place_count_ports(const struct settings *s);

/* The listener with this number among those of its kind; NULL if there is none. */
const struct milter_listener *place_find(const struct settings *s, bool file, unsigned number);
