/* SPDX-License-Identifier: Apache-2.0
 *
 * rollups - does mx-rollup-list go together with the domain sections that it leads to?
 */
#pragma once

#include "conf/problem.h"
#include "conf/settings.h"

/* Of settings whose sections are right one by one. */
void check_rollups(const struct settings *s, struct problems *problems);
