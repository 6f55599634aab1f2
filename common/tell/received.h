/* SPDX-License-Identifier: Apache-2.0
 *
 * received - what a reception's record says alike, whichever program took the mail.
 */
#pragma once

#include "rule/facts.h"
#include "tell/record.h"

/* srcType and srcMta: "name (address)", with what of it is known. The text is written to `to`,
 * which lives as long as the record. */
void received_source(struct record *r, const char *helo, const char *address, char *to,
                     size_t size);

/* The session's TLS, as rcvTls columns; the texts are those of `tls`. */
void received_tls(struct record *r, const struct tls_facts *tls);
