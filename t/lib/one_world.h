/* SPDX-License-Identifier: Apache-2.0
 *
 * one_world - a world that all tests of a group share.
 */
#pragma once

#include "t/lib/pair.h"

extern struct world w;

/* cmocka's set-up and tear-down of the group. */
int world_set_up(void **state);
int world_tear_down(void **state);
