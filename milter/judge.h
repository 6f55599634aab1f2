/* SPDX-License-Identifier: Apache-2.0
 *
 * judge - a session of the mail server before the rules: which are its own, and what they say.
 */
#pragma once

#include "milter/message.h"
#include "milter/policy.h"
#include "conf/settings.h"

/* The rule of a session that has just begun. `name`: the source section of the listener that
 * it came to at the proxy; "" where there is none, or no such section. */
void judge_begin(struct session *s, const struct settings *settings, const char *name);

/* `from` is the first argument of MAIL. As policy_at_mail(); what is only reported is said. */
const struct refusal *judge_mail(struct session *s, const struct settings *settings,
                                 struct span from, const char **word);

/* Says, when a generation starts, which rules refuse everybody at a milter-listener without
 * behind-proxy: no mail server tells fingerprints. */
void judge_warn(const struct settings *settings);
