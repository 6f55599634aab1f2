/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop.h"

struct event_base *loop_new(void)
{
    struct event_config *how = event_config_new();
    struct event_base *base = NULL;

    if (how && event_config_set_flag(how, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST |
                                              EVENT_BASE_FLAG_NOLOCK) == 0)
        base = event_base_new_with_config(how);
    if (how)
        event_config_free(how);
    return base;
}
