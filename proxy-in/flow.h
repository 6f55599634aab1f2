/* SPDX-License-Identifier: Apache-2.0
 *
 * flow - a session's bytes, from its sockets into the engines and back.
 *
 * Nothing is copied on the way: a read goes straight into an engine's buffer, and a message
 * leaves from there. Each adds the bytes that it moved to `*moved`.
 */
#pragma once

#include "session.h"

void flow_pull_client(struct session *s, size_t *moved);
void flow_pull_backend(struct session *s, size_t *moved);
void flow_push_client(struct session *s, size_t *moved);
void flow_push_backend(struct session *s, size_t *moved);

/* Is there something for the backend that has not gone out? */
bool flow_has_more(const struct session *s);
bool flow_has_more_for_client(const struct session *s);
