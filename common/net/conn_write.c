/* SPDX-License-Identifier: Apache-2.0
 *
 * conn_write - how pieces become records and segments. A part of conn.h.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <openssl/ssl.h>

#include "net/alert.h"
#include "net/bio.h"
#include "net/outcome.h"
#include "net/tls.h"

enum { PIECES = 16 };

static enum conn_got write_plain(struct conn *c, const struct span *pieces, size_t count,
                                 size_t *len)
{
    struct iovec at[PIECES];
    size_t n = 0;

    for (size_t i = 0; i < count && n < PIECES; i++)
        if (pieces[i].len)
            at[n++] = (struct iovec){(char *)pieces[i].at, pieces[i].len};
    if (n == 0)
        return CONN_SOME;
    /* With MSG_MORE the kernel's TLS would leave the record open. */
    int how = MSG_NOSIGNAL | (c->leaving && !c->tls ? MSG_MORE : 0);

    ssize_t sent = c->slack ? slack_send(c->slack, at, n, how) : slack_pass(c->fd, at, n, how);

    return outcome_plain(c, sent, len, CONN_OUT);
}

/* What goes into the next record, the first `skip` bytes of the pieces being gone: a stretch of
 * one piece where it fills a record or is the last; else pieces are copied together until a
 * record is full. So it is always the smaller of a record and all that is left, however the
 * pieces are cut. OpenSSL, when a write is tried again, wants no less than it was offered before;
 * and of more than a record it may keep a part without saying so. To copy 16 KB costs less
 * than a record and a system call more. */
static struct span gather(const struct span *pieces, size_t count, size_t skip)
{
    static char gathered[TLS_RECORD];
    size_t have = 0;

    for (size_t i = 0; i < count && have < TLS_RECORD; i++) {
        if (skip >= pieces[i].len) {
            skip -= pieces[i].len;
            continue;
        }
        struct span s = span_after(pieces[i], skip);
        size_t fits = s.len < TLS_RECORD - have ? s.len : TLS_RECORD - have;

        skip = 0;
        if (have == 0 && (fits == TLS_RECORD || i + 1 == count))
            return (struct span){s.at, fits};
        memcpy(gathered + have, s.at, fits);
        have += fits;
    }
    return (struct span){gathered, have};
}

/* Records of one write leave together, as far as they fill segments: 64 KB are pushed once, not
 * four times; 190 of 1,300 us a MB over loopback, where the server sleeps between. */
static enum conn_got write_secret(struct conn *c, const struct span *pieces, size_t count,
                                  size_t *len)
{
    size_t size = spans_len(pieces, count);

    for (;;) {
        struct span next = gather(pieces, count, *len);
        size_t written = 0;

        if (next.len == 0)
            return CONN_SOME;
        if (*len + next.len < size)
            bio_expect_more(SSL_get_wbio(c->tls));
        enum conn_got got =
            outcome_secret(c, SSL_write_ex(outcome_asked(c), next.at, next.len, &written));

        *len += written;
        if (got == CONN_OVER) /* what OpenSSL says of any fault once theirs has said goodbye */
            return outcome_failed(c, strerror(errno));
        if (got == CONN_LATER && *len > 0)
            return CONN_SOME;
        if (got != CONN_SOME)
            return got;
    }
}

static enum conn_got write_offloaded(struct conn *c, const struct span *pieces, size_t count,
                                     size_t *len)
{
    return c->outdated ? outcome_failed(c, "new keys are wanted, which the kernel cannot have")
                       : write_plain(c, pieces, count, len);
}

enum conn_got conn_write(struct conn *c, const struct span *pieces, size_t count, size_t *len)
{
    *len = 0;
    if (c->broken)
        return CONN_FAILED;
    if (conn_owes(c)) {
        enum conn_got got = conn_uncork(c);

        if (got != CONN_SOME)
            return got;
    }
    if (!c->tls)
        return write_plain(c, pieces, count, len);

    enum conn_got got = (c->offloaded ? write_offloaded : write_secret)(c, pieces, count, len);

    c->unwanted = c->unwanted || (got == CONN_FAILED && alert_waits_unwanted(c->tls));
    return got;
}
