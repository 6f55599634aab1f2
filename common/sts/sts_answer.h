/* SPDX-License-Identifier: Apache-2.0
 *
 * sts_answer - a policy that is kept as the answer to QUESTION_STS. Pure.
 */
#pragma once

#include "sts/shelf.h"
#include "way/answer.h"

/* `kept` NULL: there is no policy. */
void sts_answer(struct answer *a, uint32_t number, const struct kept *kept,
                enum sts_trouble trouble);
