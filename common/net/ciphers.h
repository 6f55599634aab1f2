/* SPDX-License-Identifier: Apache-2.0
 *
 * ciphers - the names of ciphers, cipher suites and groups that an administrator chose.
 *
 * OpenSSL passes over what it does not know in a list, as long as one name is left; a slip of the
 * pen would silently change what is offered. Here each name must be known.
 */
#pragma once

#include <stddef.h>

#include "base/span.h"

struct ssl_ctx_st;

/* OpenSSL's list for TLS 1.2 and below; suites of TLS 1.3 with colons between; groups for the key
 * exchange likewise. "" and NULL are right. False with one line in `why`: the name, and
 * where to find the right ones. */
MUST bool ciphers_are_known(const char *list, char *why, size_t size);
MUST bool suites_are_known(const char *list, char *why, size_t size);
MUST bool groups_are_known(const char *list, char *why, size_t size);

/* Checks and sets them; what is empty stays as OpenSSL has it, but that of the suites of TLS 1.3
 * AES-128 comes first. */
MUST bool ciphers_use(struct ssl_ctx_st *ctx, const char *ciphers, const char *suites,
                      const char *groups, char *why, size_t size);
