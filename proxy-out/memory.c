/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/memory.h"

#include <stdio.h>

#include "conf/settings.h"
#include "tell/log.h"

enum { MEMORY_MOST = 256 << 20 };

struct store *memory_open(const struct settings *s)
{
    static const char *const kinds[] = {
        [MEMORY_STS] = "sts", [MEMORY_SEEN] = "seen", [MEMORY_SENT] = "sent", NULL};
    char folder[4096], why[4352];
    struct store *store;

    snprintf(folder, sizeof folder, "%s/outbound", s->global.state_directory);
    store = store_open(folder, kinds, MEMORY_MOST, true, why, sizeof why);
    if (!store)
        log_say(LOG_FAULT, "", "not-kept", {"why", span_of(why)});
    return store;
}
