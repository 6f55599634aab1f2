/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/netstring.h"

int netstring_read(struct span in, struct span *out, size_t *used)
{
    size_t len = 0, at = 0;

    for (; at < in.len && in.at[at] != ':'; at++) {
        if (in.at[at] < '0' || in.at[at] > '9' || (at == 1 && in.at[0] == '0'))
            return -1;
        len = len * 10 + (size_t)(in.at[at] - '0');
        if (len > NETSTRING_MAX)
            return -1;
    }
    if (at == in.len)
        return 0;
    if (at == 0)
        return -1;
    if (in.len - at - 1 <= len)
        return 0;
    if (in.at[at + 1 + len] != ',')
        return -1;
    *out = (struct span){in.at + at + 1, len};
    *used = at + len + 2;
    return 1;
}

bool netstring_write(struct buf *to, struct span text)
{
    return buf_addf(to, "%zu:%.*s,", text.len, SPAN_ARG(text));
}
