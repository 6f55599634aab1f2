/* SPDX-License-Identifier: Apache-2.0
 *
 * wish - does what the relay of a session wishes, as far as that takes no more than memory and
 * disk.
 */
#pragma once

#include "session.h"

/* Turns the relay until it wishes what takes more, or nothing. */
MUST enum relay_wish wish_turn(struct session *s);
