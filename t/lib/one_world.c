/* SPDX-License-Identifier: Apache-2.0 */
#include "t/lib/one_world.h"

struct world w;

int world_set_up(void **state)
{
    (void)state;
    w = world_make();
    return 0;
}

int world_tear_down(void **state)
{
    (void)state;
    world_end(&w);
    return 0;
}
