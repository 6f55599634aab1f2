/* SPDX-License-Identifier: Apache-2.0 */
#include "net/bio.h"

#include <errno.h>
#include <sys/socket.h>

#include <openssl/bio.h>

#include "net/slack.h"

static int is_done(BIO *b, ssize_t n, void (*again)(BIO *b))
{
    BIO_clear_retry_flags(b);
    if (n <= 0 && BIO_sock_should_retry((int)n))
        again(b);
    return (int)n;
}

static void read_again(BIO *b)
{
    BIO_set_retry_read(b);
}

static void write_again(BIO *b)
{
    BIO_set_retry_write(b);
}

static int take(BIO *b, char *to, int size)
{
    struct slack *it = BIO_get_data(b);

    errno = 0; /* conn.c asks what it was */
    int n = is_done(b, slack_recv(it, to, (size_t)size), read_again);

    it->filled = n == size;
    if (n == 0)
        BIO_set_flags(b, BIO_FLAGS_IN_EOF);
    return n;
}

static int give(BIO *b, const char *from, int len)
{
    struct slack *it = BIO_get_data(b);
    struct iovec all = {(char *)from, (size_t)len};
    int how = MSG_NOSIGNAL | (it->more || it->end ? MSG_MORE : 0);

    errno = 0;
    int n = is_done(b, slack_send(it, &all, 1, how), write_again);

    if (n > 0)
        it->more = false;
    return n;
}

/* What OpenSSL asks of it besides; 0: no, or not known. */
static long answer(BIO *b, int question, long number, void *at)
{
    (void)number;
    (void)at;
    switch (question) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_EOF:
        return BIO_test_flags(b, BIO_FLAGS_IN_EOF) != 0;
    default:
        return 0;
    }
}

/* What every bio does, and how it is known. */
static BIO_METHOD *method;
static int type;

static bool make_method(void)
{
    if (method)
        return true;
    type = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK;
    method = BIO_meth_new(type, "sallyport");
    if (method && BIO_meth_set_read(method, take) && BIO_meth_set_write(method, give) &&
        BIO_meth_set_ctrl(method, answer))
        return true;
    BIO_meth_free(method);
    method = NULL;
    return false;
}

BIO *bio_new(struct slack *slack)
{
    BIO *b = make_method() ? BIO_new(method) : NULL;

    if (!b)
        return NULL;
    BIO_set_data(b, slack);
    BIO_set_init(b, 1);
    return b;
}

BIO *bio_new_offloading(int fd)
{
    return BIO_new_socket(fd, BIO_NOCLOSE);
}

bool bio_is_offloaded(BIO *b)
{
    return BIO_get_ktls_send(b);
}

/* NULL: it is not one of ours. */
static struct slack *ours(BIO *b)
{
    return b && BIO_method_type(b) == type ? BIO_get_data(b) : NULL;
}

void bio_expect_more(BIO *b)
{
    struct slack *it = ours(b);

    if (it)
        it->more = true;
}

void bio_expect_end(BIO *b)
{
    struct slack *it = ours(b);

    if (it)
        it->end = true;
}

bool bio_is_filled(BIO *b)
{
    const struct slack *it = ours(b);

    return it && it->filled;
}
