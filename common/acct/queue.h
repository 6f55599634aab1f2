/* SPDX-License-Identifier: Apache-2.0
 *
 * queue - does a queue-filter let the records of a queue through?
 *
 * Patterns are DOMAIN/VMTA, in which * stands for any text; with ! in front they keep out. The
 * first that matches counts; what none matches is kept out, so a list in which all begin with !
 * lets nothing through.
 */
#pragma once

#include "base/option.h"

/* Is it DOMAIN/VMTA, perhaps with ! in front? */
MUST bool queue_is_pattern(struct span text);

/* `queue` is "example.com/{default}". An empty list lets everything through. */
bool queue_passes(struct texts patterns, struct span queue);
