/* SPDX-License-Identifier: Apache-2.0
 *
 * wants - what the acct-file sections, and tls-reports, together want of records.
 */
#pragma once

#include "conf/problem.h"
#include "conf/settings.h"

/* Fills in s->wanted from the rest, which is right section by section. */
void wants_find(struct settings *s, struct problems *problems);
