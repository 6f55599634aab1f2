/* SPDX-License-Identifier: Apache-2.0
 *
 * certificates - do rules about client certificates go together with listeners, once all is
 * merged?
 */
#pragma once

#include "conf/problem.h"
#include "conf/settings.h"

/* A line for each mistake. */
void check_certificates(const struct settings *s, struct problems *problems);
