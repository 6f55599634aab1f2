/* SPDX-License-Identifier: Apache-2.0
 *
 * check - do the sections of a file make sense, each by itself and together?
 *
 * On the way it fills in what follows from titles and from other sections: addresses, what a
 * listener takes over from the file's own options, the backend that needs no section.
 */
#pragma once

#include "conf/arena.h"
#include "conf/problem.h"
#include "conf/sections.h"

/* The list is of `kinds` (kinds.h), its first section the file's own options. */
void check_sections(struct section *list, struct arena *arena, struct problems *problems);
