/* SPDX-License-Identifier: Apache-2.0 */
#include "sts/sts_answer.h"

_Static_assert(sizeof((struct sts_policy){0}.mx) == sizeof((struct answer_sts){0}.mx) &&
                   sizeof((struct kept){0}.id) == sizeof((struct answer_sts){0}.id),
               "an answer holds a policy");

void sts_answer(struct answer *a, uint32_t number, const struct kept *kept,
                enum sts_trouble trouble)
{
    *a = (struct answer){.number = number, .kind = QUESTION_STS, .status = ANSWER_OK};
    a->sts.trouble = trouble;
    /* What is kept may be forgotten, and then counts no more. */
    a->lasts = trouble == STS_FINE && !kept ? UINT32_MAX : 0;
    if (!kept)
        return;
    a->sts.mode = kept->policy.mode;
    a->sts.max_age = kept->policy.max_age;
    memcpy(a->sts.id, kept->id, sizeof a->sts.id);
    for (size_t i = 0; i < kept->policy.count; i++)
        memcpy(a->sts.mx[i], kept->policy.mx[i], sizeof a->sts.mx[i]);
    a->count = (uint32_t)kept->policy.count;
}
