/* SPDX-License-Identifier: Apache-2.0
 *
 * pack - bytes as gzip (RFC 1952). Equal bytes are packed equally: no time and no name is put in.
 */
#pragma once

#include "base/buf.h"

/* False: no memory, or it does not fit; `to` may hold a part of it then. */
MUST bool pack_gz(struct buf *to, struct span from);
