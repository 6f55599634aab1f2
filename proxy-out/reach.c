/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/reach.h"

#include "base/clock.h"
#include "way/family.h"

void reach_note(struct worker *w, const struct addr *at, enum fail fail)
{
    broken_note(w->unreached, at, fail == FAIL_CONNECT ? fail : FAIL_NOT, clock_mono());
}

static bool is_down(void *arg, const struct addr *at)
{
    return broken_how(arg, at, clock_mono()) != FAIL_NOT;
}

void reach_order(const struct worker *w, struct route *r)
{
    family_put_back(r, is_down, w->unreached);
}
