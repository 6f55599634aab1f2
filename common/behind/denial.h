/* SPDX-License-Identifier: Apache-2.0
 *
 * denial - does the answer to a recipient elsewhere show that the mail server does not relay?
 *
 * A refusal alone shows nothing: the client may be on a blocklist, the domain may not exist, a
 * greylister may want it later. What counts as a refusal to relay is said in the mail servers'
 * own words (denial.def), by 530 (log in first), or by 5.7.1 where the words are about nothing
 * else. All else is not known, and not known is not safe.
 */
#pragma once

#include "base/span.h"

enum denial { DENIAL_NOT_KNOWN, DENIAL_REFUSES, DENIAL_RELAYS };

/* `reply` is whole, as of dial_next(), and answers RCPT TO of a domain that is not the mail
 * server's. */
enum denial denial_read(struct span reply);
