/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/hosts.h"

#include "base/text.h"

bool literal_read(struct span text, struct addr *out)
{
    if (text.len < 3 || text.at[0] != '[' || text.at[text.len - 1] != ']')
        return false;
    text = (struct span){text.at + 1, text.len - 2};
    if (span_starts_nocase(text, "IPv6:"))
        text = span_after(text, 5);
    return addr_read(text, out);
}

/* What stands behind the last ':' of `*s`, if anything does. */
static bool take_port(struct span *s, uint16_t *port)
{
    const char *colon = memrchr(s->at, ':', s->len);
    unsigned long n;

    if (!colon)
        return true;
    if (!text_number(span_after(*s, (size_t)(colon - s->at) + 1), 65535, &n) || n == 0)
        return false;
    *port = (uint16_t)n;
    s->len = (size_t)(colon - s->at);
    return true;
}

static const char *read_literal(struct span entry, struct host *out)
{
    const char *close = memchr(entry.at, ']', entry.len);
    uint16_t port = out->at.port;

    if (!close)
        return "']' is missing";
    struct span literal = {entry.at, (size_t)(close - entry.at) + 1};
    struct span rest = span_after(entry, literal.len);

    if (rest.len > 0 && (rest.at[0] != ':' || !take_port(&rest, &port)))
        return "not a port";
    if (!literal_read(literal, &out->at))
        return "not an IP address";
    out->at.port = port;
    out->kind = HOST_ADDRESS;
    return NULL;
}

static const char *read_name(struct span entry, struct host *out)
{
    static const char lookup[] = "lookup-mx:";

    out->kind = HOST_NAME;
    if (span_starts_nocase(entry, lookup)) {
        entry = span_after(entry, sizeof lookup - 1);
        out->kind = HOST_LOOKUP_MX;
    }
    if (!take_port(&entry, &out->at.port))
        return "not a port";
    return idna_ascii(entry, out->name) ? NULL : "not a host name";
}

static const char *read_entry(struct span entry, struct host *out)
{
    if (entry.len == 0)
        return "a host is missing";
    return entry.at[0] == '[' ? read_literal(entry, out) : read_name(entry, out);
}

bool hosts_read(struct span text, uint16_t port, struct hosts *out, const char **why)
{
    size_t count = 0;

    out->count = 0;
    for (unsigned preference = 0; text.len > 0; preference++) {
        struct span group = span_cut(&text, ';');

        do {
            struct host *h = &out->at[count];

            if (count == HOSTS_MAX) {
                *why = "too many hosts";
                return false;
            }
            *h = (struct host){.preference = preference, .at.port = port};
            if ((*why = read_entry(span_trim(span_cut(&group, ',')), h)))
                return false;
            count++;
        } while (group.len > 0);
    }
    out->count = count;
    return true;
}
