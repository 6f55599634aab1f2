/* SPDX-License-Identifier: Apache-2.0
 *
 * folder - what a test leaves behind.
 */
#pragma once

/* Removes it with all that is in it. 0, or not all could be. */
int folder_remove(const char *path);
