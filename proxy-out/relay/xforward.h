/* SPDX-License-Identifier: Apache-2.0
 *
 * xforward - what the mail server says of where its message came from (Postfix's
 * XFORWARD_README). Pure.
 */
#pragma once

#include "base/span.h"

struct xforward {
    char name[256], addr[64], helo[256], ident[64];
};

/* Takes the attributes of one command over what earlier ones said. False: not of the form, or
 * an attribute that was not offered; then nothing is changed. */
MUST bool xforward_read(struct xforward *x, struct span arg);

/* What we offer, as in EHLO. */
#define XFORWARD_OFFER "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE"
