/* SPDX-License-Identifier: Apache-2.0
 *
 * merge - what an outcome leaves to its intent: see record.h. Pure.
 */
#pragma once

#include "tell/record.h"

/* All that the outcome does not say itself and that is not of the end. Borrows of the intent. */
void merge_intent(struct record *outcome, const struct record *intent);
