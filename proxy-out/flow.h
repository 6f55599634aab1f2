/* SPDX-License-Identifier: Apache-2.0
 *
 * flow - moves what a session can move, both ways, and its records before either.
 */
#pragma once

#include "proxy-out/session.h"

/* The next phase comes back. */
enum phase flow_talk(struct session *s);
enum phase flow_last_words(struct session *s);

/* Is there something for the client that may go out, and has not? */
bool flow_has_more(const struct session *s);
