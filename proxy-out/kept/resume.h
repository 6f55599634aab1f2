/* SPDX-License-Identifier: Apache-2.0
 *
 * resume - TLS sessions with servers that may be resumed, under the key of their connections:
 * so a session is resumed only under the demand under which it was made (key.h). "" is no key.
 */
#pragma once

struct resume;
struct ssl_session_st;

/* NULL: no memory. */
struct resume *resume_new(void);
void resume_free(struct resume **r);

/* `session` is ours from here, and may be NULL. A key may have several: its connections come to
 * their ends at the same time, and where one was kept nine of twenty began in full again. The
 * oldest makes room where there is none. */
void resume_put(struct resume *r, const char *key, struct ssl_session_st *session);

/* The newest session for this key, yours to free, or NULL. It is not there a second time: a ticket
 * of TLS 1.3 is for one use (RFC 8446, C.4). */
struct ssl_session_st *resume_take(struct resume *r, const char *key);

/* Forgets all of this key: where a handshake failed, the others would fail as it did if the session
 * was to blame. */
void resume_forget(struct resume *r, const char *key);
