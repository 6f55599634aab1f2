/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/place.h"

#include <string.h>

const char *place_file(const struct milter_listener *l)
{
    const char *title = l->head.title, *colon = strchr(title, ':');

    if (strncasecmp(title, "inet:", 5) == 0 || strncasecmp(title, "inet6:", 6) == 0)
        return NULL;
    return colon ? colon + 1 : title;
}

static unsigned count_kind(const struct settings *s, bool file)
{
    unsigned count = 0;

    for (size_t i = 0; i < s->milter_listener_count; i++)
        count += (place_file(&s->milter_listeners[i]) != NULL) == file;
    return count;
}

unsigned place_count_files(const struct settings *s)
{
    return count_kind(s, true);
}

unsigned place_count_ports(const struct settings *s)
{
    return count_kind(s, false);
}

const struct milter_listener *place_find(const struct settings *s, bool file, unsigned number)
{
    unsigned n = 0;

    for (size_t i = 0; i < s->milter_listener_count; i++) {
        if ((place_file(&s->milter_listeners[i]) != NULL) == file && n++ == number)
            return &s->milter_listeners[i];
    }
    return NULL;
}
