/* SPDX-License-Identifier: Apache-2.0 */
#include "net/slack.h"

#include <errno.h>
#include <sanitizer/asan_interface.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    PART = 8192 - 24, /* a message of 4 KB with its records, and less than makes a read of its own
                         worth while */
    PARTS_KEPT = 64,  /* for the next turn: twice the sessions of one */
};

/* `from` to `to` is there. */
struct part {
    struct part *next; /* of the spare ones */
    uint32_t from, to;
    char bytes[PART];
};

/* For processes with one thread. With blocks (base/block.h), whose sizes must be asked for, a small
 * message costs 1 % more. */
static struct part *spare;
static unsigned spare_count;
static unsigned unused; /* of the spare ones: not taken since the last rest */

static struct part *part_new(void)
{
    struct part *p = spare;

    if (!p) {
        p = malloc(sizeof *p);
    } else {
        spare = p->next;
        if (--spare_count < unused)
            unused = spare_count;
        ASAN_UNPOISON_MEMORY_REGION(p->bytes, PART);
    }
    if (p)
        p->from = p->to = 0;
    return p;
}

static void part_free(struct part **at)
{
    struct part *p = *at;

    *at = NULL;
    if (!p)
        return;
    if (spare_count == PARTS_KEPT) {
        free(p);
        return;
    }
    ASAN_POISON_MEMORY_REGION(p->bytes, PART); /* as with what was freed */
    p->next = spare;
    spare = p;
    spare_count++;
}

unsigned slack_rest(void)
{
    unsigned gone = unused;

    for (; unused > 0; unused--) {
        struct part *p = spare;

        spare = p->next;
        ASAN_UNPOISON_MEMORY_REGION(p->bytes, PART);
        free(p);
    }
    spare_count -= gone;
    unused = spare_count;
    return gone;
}

struct slack *slack_new(int fd)
{
    struct slack *s = malloc(sizeof *s);

    if (s)
        *s = (struct slack){.fd = fd};
    return s;
}

void slack_free(struct slack **s)
{
    if (!*s)
        return;
    part_free(&(*s)->ahead);
    part_free(&(*s)->behind);
    free(*s);
    *s = NULL;
}

bool slack_is_later(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* A socket says a fault once, and who asks next is to hear it. */
static void keep_fault(struct slack *s, ssize_t got)
{
    if (got < 0 && !slack_is_later(errno))
        s->broke = (short)errno;
}

void slack_fetch(struct slack *s)
{
    struct part *p = s->ahead || s->broke || s->plenty ? NULL : part_new();
    ssize_t got = p ? recv(s->fd, p->bytes, PART, 0) : 0;

    keep_fault(s, got);
    if (got > 0) {
        p->to = (uint32_t)got;
        s->ahead = p;
    } else {
        part_free(&p);
    }
}

static ssize_t from_socket(struct slack *s, void *to, size_t size)
{
    ssize_t got = recv(s->fd, to, size, 0);

    s->plenty = got > PART;
    return got;
}

/* What filled its place may have more behind it. */
static size_t from_ahead(struct slack *s, char *to, size_t size)
{
    struct part *p = s->ahead;
    size_t left = p->to - p->from, len = left < size ? left : size;
    bool is_full = p->to == PART;

    memcpy(to, p->bytes + p->from, len);
    p->from += (uint32_t)len;
    if (p->from < p->to)
        return len;
    part_free(&s->ahead);
    if (!is_full || len == size)
        return len;

    ssize_t more = from_socket(s, to + len, size - len);

    keep_fault(s, more);
    return len + (more > 0 ? (size_t)more : 0);
}

ssize_t slack_recv(struct slack *s, void *to, size_t size)
{
    if (s->ahead)
        return (ssize_t)from_ahead(s, to, size);
    if (s->broke) {
        errno = s->broke;
        return -1;
    }
    return from_socket(s, to, size);
}

bool slack_flush(struct slack *s)
{
    struct part *p = s->behind;

    if (!p)
        return true;

    ssize_t sent = send(s->fd, p->bytes + p->from, p->to - p->from, MSG_NOSIGNAL);

    if (sent < 0)
        return false;
    p->from += (uint32_t)sent;
    if (p->from < p->to) {
        errno = EAGAIN;
        return false;
    }
    part_free(&s->behind);
    return true;
}

/* Where `len` more bytes wait; NULL: they do not. */
static struct part *place_for(struct slack *s, size_t len)
{
    if (!s->corked || len > PART)
        return NULL;
    if (!s->behind)
        s->behind = part_new();
    return s->behind && PART - s->behind->to >= len ? s->behind : NULL;
}

ssize_t slack_pass(int fd, const struct iovec *pieces, size_t count, int how)
{
    struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = count};

    return count == 1 ? send(fd, pieces->iov_base, pieces->iov_len, how)
                      : sendmsg(fd, &message, how);
}

ssize_t slack_send(struct slack *s, const struct iovec *pieces, size_t count, int how)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += pieces[i].iov_len;

    struct part *p = place_for(s, len);

    if (!p)
        return slack_flush(s) ? slack_pass(s->fd, pieces, count, how) : -1;
    for (size_t i = 0; i < count; i++) {
        memcpy(p->bytes + p->to, pieces[i].iov_base, pieces[i].iov_len);
        p->to += (uint32_t)pieces[i].iov_len;
    }
    return (ssize_t)len;
}
