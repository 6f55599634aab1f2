/* SPDX-License-Identifier: Apache-2.0
 *
 * story - what is told of a session at its end: one line, and a louder one where the backend
 * needs a person.
 */
#pragma once

#include "session.h"

void story_tell(const struct session *s);
