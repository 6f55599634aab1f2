/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/sender.h"

const struct option sender_options[] = {SENDER_OPTIONS(OPTION_ROW, sender) OPTION_END};
OPTIONS_FIT(sender_options);
