/* SPDX-License-Identifier: Apache-2.0
 *
 * cas - the CAs of policies' web servers, read once, by who may read them.
 */
#pragma once

#include <stddef.h>

/* The file as a text, yours to free; "" of file "". NULL with a few words in `why`: there are no CA
 * certificates to be had from it. */
char *cas_read(const char *file, char *why, size_t size);
