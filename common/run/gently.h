/* SPDX-License-Identifier: Apache-2.0
 *
 * gently - work that may take a while, beside children who serve.
 */
#pragma once

/* Calls `work` and comes back when it has. It runs in a thread of its own, which the kernel gives
 * a processor only a tenth as often: the master stays single-threaded for all that it does
 * itself, and needs no privilege to be as it was. */
void gently(void (*work)(void *arg), void *arg);
