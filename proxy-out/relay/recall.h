/* SPDX-License-Identifier: Apache-2.0
 *
 * recall - duplicate-memory's part in a relay: what was remembered under the mail server's queue
 * id, and what is to be remembered now. Pure.
 *
 * MAIL waits until the owner has asked (relay.recall is RECALL_WANTED) and calls
 * recall_answered(). A recipient that is remembered has no lane: the message is read, and if it
 * is the same one the remembered reply is given; else 451, and it is forgotten. In SMTP, where
 * one reply is for all, such recipients and others do not share a transaction.
 *
 * A mail server that is gone before the remote server has answered may come again before, too:
 * until then its recipients hear 451. If we are killed meanwhile, that ends by itself.
 */
#pragma once

#include "proxy-out/relay/relay.h"

/* May this transaction be remembered at all? */
bool recall_covers(const struct relay *r);

/* And may anything be remembered of it, so that the owner is to ask? */
bool recall_is_due(const struct relay *r);

/* `all` is ours from here. */
void recall_answered(struct relay *r, struct sent *all);

/* Nobody can be asked: the mail server has to come again. */
void recall_failed(struct relay *r);

/* At RCPT: not remembered; remembered, and answered; to come in a transaction of its own; or to
 * come when its outcome is known. */
enum recall_found { RECALL_NONE, RECALL_HIT, RECALL_APART, RECALL_AWAITED };
enum recall_found recall_rcpt(struct relay *r, size_t recipient);

/* Are there remembered recipients in this transaction? */
bool recall_any(const struct relay *r);

/* The message is whole: the reply to a remembered recipient; over SMTP, to it and those behind. */
struct span recall_word(struct relay *r, size_t recipient, char to[SERVE_REPLY_MAX]);

/* The remote server took it: to be told with the outcome's record. */
void recall_tell(struct relay *r, struct lane *l, struct span reply);

/* The client has said its last: what outcomes are awaited is to be told, once. */
void recall_left(struct relay *r);

/* The transaction ends: nothing is awaited any more. */
void recall_settle(struct relay *r);
