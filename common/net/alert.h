/* SPDX-License-Identifier: Apache-2.0
 *
 * alert - why a call of OpenSSL has just failed.
 */
#pragma once

#include <stdbool.h>

struct ssl_st;

/* In a few words; static or thread's text. `shaken`: the handshake was over; `error`: errno as the
 * call left it. */
const char *alert_words(bool shaken, int error);

/* To one who calls, when a call of OpenSSL has just failed: does the one called refuse our
 * certificate, or that there was none? */
bool alert_is_unwanted(const struct ssl_st *s);

/* The same when it was a write that failed, for the other side has gone: is that among its last
 * words, which nobody has read? */
bool alert_waits_unwanted(struct ssl_st *s);
