/* SPDX-License-Identifier: Apache-2.0 */
#include "net/head.h"

#include "net/conn.h"

/* Takes from the socket what was looked at and is the header's. */
static bool take(struct conn *c, struct buf *head, char *at, size_t count)
{
    size_t len = 0;
    bool took = conn_read(c, at, count, &len) == CONN_SOME && len == count;

    buf_grew(head, took ? count : 0);
    return took;
}

int head_hear(struct conn *c, struct buf *head, struct head_said *said, const char **why)
{
    size_t before = buf_len(head), len, took = 0;
    char *at;
    size_t room = buf_space(head, &at);

    *why = "out of memory";
    if (room == 0)
        return -1;
    switch (conn_peek(c, at, room, &len)) {
    case CONN_LATER:
        buf_grew(head, 0);
        return 0;
    case CONN_OVER:
    case CONN_FAILED:
        buf_grew(head, 0);
        *why = before > 0 ? "closed inside of the PROXY header" : NULL;
        return -1;
    case CONN_SOME:
        break;
    }

    int got = head_read((struct span){at - before, before + len}, said, &took);

    *why = got < 0 ? "no PROXY header, or a wrong one" : "the PROXY header could not be read";
    if (!take(c, head, at, got > 0 ? took - before : len) || got < 0)
        return -1;
    if (got > 0)
        buf_drop(head, took - said->tlvs.len);
    return got;
}
