/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/chunk.h"

#include "base/text.h"
#include "smtp/crlf.h"

void chunk_init(struct chunk *c)
{
    *c = (struct chunk){.left = 0};
}

bool chunk_read(struct chunk *c, struct span arg)
{
    unsigned long octets;
    struct span count = span_cut(&arg, ' ');

    while (arg.len && arg.at[0] == ' ')
        arg = span_after(arg, 1);
    if (!text_number(count, CHUNK_MOST, &octets) || (arg.len && !span_is_nocase(arg, "LAST")))
        return false;
    c->left = octets;
    c->last = arg.len > 0;
    return true;
}

/* A CR and no more of these bytes: may it still become a CRLF? */
static bool may_go_on(const struct chunk *c, const char *at, size_t left_here, size_t left)
{
    return *at == '\r' && left_here == 1 && (left > 1 || !c->last);
}

static bool scan(struct chunk *c, enum dot_bare bare, char *bytes, size_t len, size_t *seen)
{
    while (*seen < len) {
        *seen += crlf_run(bytes + *seen, len - *seen, 'x', '\0');
        if (*seen == len)
            break;
        if (may_go_on(c, bytes + *seen, len - *seen, c->left - *seen)) {
            c->after_cr = c->left - *seen == 1;
            *seen += c->after_cr;
            break;
        }
        if (bare == DOT_REJECT)
            return false;
        bytes[(*seen)++] = ' ';
    }
    return true;
}

bool chunk_scan(struct chunk *c, enum dot_bare bare, char *bytes, size_t len, size_t *seen)
{
    bool well = true;

    *seen = 0;
    if (len > 0 && c->after_cr) {
        c->after_cr = false;
        well = bytes[0] == '\n';
        *seen = well;
    }
    well = well && scan(c, bare, bytes, len, seen);
    c->left -= *seen;
    return well;
}

bool chunk_is_whole(const struct chunk *c)
{
    return !c->after_cr;
}
