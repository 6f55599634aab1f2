/* SPDX-License-Identifier: Apache-2.0
 *
 * parties - MAIL and RCPT: who may send, and what is remembered of from whom and to whom.
 */
#pragma once

#include "take.h"

MUST enum taken parties_take(struct relay *r, const struct request *q);
