/* SPDX-License-Identifier: Apache-2.0
 *
 * notify - tells the service manager how we are (sd_notify(3)), if it wants to know.
 */
#pragma once

/* "READY=1" and the like, lines with LF between. Does nothing without NOTIFY_SOCKET. */
void notify(const char *state);

/* Reloading, with the time that Type=notify-reload asks for. */
void notify_reloading(void);
