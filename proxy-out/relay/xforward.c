/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/relay/xforward.h"

#include "base/text.h"
#include "smtp/xtext.h"

/* clang-format off */
static const struct { const char *name; size_t offset, size; } attributes[] = {
    {"NAME",   offsetof(struct xforward, name),  sizeof(((struct xforward *)0)->name)},
    {"ADDR",   offsetof(struct xforward, addr),  sizeof(((struct xforward *)0)->addr)},
    {"HELO",   offsetof(struct xforward, helo),  sizeof(((struct xforward *)0)->helo)},
    {"IDENT",  offsetof(struct xforward, ident), sizeof(((struct xforward *)0)->ident)},
    {"PORT",   0, 0},
    {"PROTO",  0, 0},
    {"SOURCE", 0, 0},
};
/* clang-format on */

static bool take(struct xforward *x, struct span name, struct span value)
{
    char text[1024];
    size_t len = xtext_read(text, sizeof text, value), i = 0;

    while (i < COUNT_OF(attributes) && !span_is_nocase(name, attributes[i].name))
        i++;
    if (len == (size_t)-1 || i == COUNT_OF(attributes))
        return false;
    if (strcasecmp(text, "[UNAVAILABLE]") == 0 || strcasecmp(text, "[TEMPUNAVAIL]") == 0)
        len = 0;
    if (attributes[i].size > 0)
        text_clean((char *)x + attributes[i].offset, attributes[i].size, (struct span){text, len});
    return true;
}

bool xforward_read(struct xforward *x, struct span arg)
{
    struct xforward now = *x;
    bool any = false;

    while (arg.len > 0) {
        struct span value = span_cut(&arg, ' '), name;
        size_t whole = value.len;

        if (whole == 0)
            continue;
        name = span_cut(&value, '=');
        if (name.len == whole || !take(&now, name, value))
            return false;
        any = true;
    }
    if (any)
        *x = now;
    return any;
}
