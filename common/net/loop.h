/* SPDX-License-Identifier: Apache-2.0
 *
 * loop - the one event loop of a process. The door to libevent's core.
 *
 * Only `event`s on our own descriptors: no bufferevents, no evbuffers. The base is made
 * after fork.
 */
#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>

/* NULL: no memory. What changes in a round and changes back costs no system call, so an event
 * must be deleted before its descriptor is closed. */
struct event_base *loop_new(void);
