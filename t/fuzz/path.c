/* SPDX-License-Identifier: Apache-2.0
 *
 * The argument of MAIL or RCPT.
 */
#include "smtp/path.h"

#include "fuzz.h"
#include "smtp/xtext.h"

int fuzz_reached;

static void inside(struct span part, struct span whole)
{
    promise(part.len == 0 || (part.at >= whole.at && part.at + part.len <= whole.at + whole.len));
}

static void read_params(struct span params)
{
    struct span all = params, name, value, found;
    char text[32];
    int got;

    while ((got = param_next(&params, &name, &value)) > 0) {
        inside(name, all);
        inside(value, all);
        size_t len = xtext_read(text, sizeof text, value);
        promise(len == (size_t)-1 || (len < sizeof text && text[len] == '\0'));
        fuzz_reached++;
    }
    if (got == 0 && param_find(all, "SIZE", &found))
        inside(found, all);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct span arg = {(const char *)bytes, size};
    bool sender = size > 0 && (bytes[0] | 32) == 'f';
    struct path p;

    if (!path_read(arg, sender ? "FROM:" : "TO:", &p))
        return 0;
    inside(p.mailbox, arg);
    inside(p.local, p.mailbox);
    inside(p.domain, p.mailbox);
    inside(p.params, arg);
    promise(p.mailbox.len > 0 || sender);
    promise(p.domain.len <= PATH_DOMAIN_MAX);
    for (size_t i = 0; i < p.mailbox.len; i++)
        promise((unsigned char)p.mailbox.at[i] >= ' ' && p.mailbox.at[i] != 0x7f);
    promise(!p.domain.len || !memchr(p.domain.at, ' ', p.domain.len));
    read_params(p.params);
    return 0;
}
