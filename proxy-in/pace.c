/* SPDX-License-Identifier: Apache-2.0 */
#include "pace.h"

void pace_begin(struct pace *p, double limit, uint64_t heard)
{
    *p = (struct pace){.left = limit, .heard = heard};
}

void pace_go(struct pace *p, double limit, double seconds, uint64_t heard)
{
    double left = p->left - seconds + (double)(heard - p->heard) / PACE_LEAST;

    *p = (struct pace){.left = left < limit ? left : limit, .heard = heard};
}
