/* SPDX-License-Identifier: Apache-2.0
 *
 * twins - sections that are there twice, and listeners that want the same address.
 */
#pragma once

#include "conf/arena.h"
#include "conf/problem.h"
#include "conf/sections.h"

/* After the sections were checked one by one. */
void twins_check(struct section *list, struct arena *arena, struct problems *problems);
