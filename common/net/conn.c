/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conn.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/bio.h"
#include "net/outcome.h"
#include "net/tls.h"

/* DATALESS: reads of records without data, in a row; NEWS_MOST: messages of TLS itself. */
enum { DISCARD_ROUNDS = 16, DATALESS = 4, NEWS_MOST = 32 };

void conn_init(struct conn *c, int fd)
{
    *c = (struct conn){.fd = fd};
    if (fd >= 0)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

static void say_close_notify(struct conn *c)
{
    if (c->tls && !c->broken && c->shaken) {
        ERR_clear_error();
        bio_expect_end(SSL_get_rbio(c->tls));
        (void)SSL_shutdown(c->tls);
    }
}

void conn_leave(struct conn *c)
{
    c->leaving = true;
    if (c->tls && !c->broken)
        bio_expect_end(SSL_get_rbio(c->tls));
}

void conn_finish(struct conn *c)
{
    (void)!conn_uncork(c);
    say_close_notify(c);
    if (c->fd >= 0)
        (void)shutdown(c->fd, SHUT_WR);
}

void conn_clear(struct conn *c)
{
    (void)!conn_uncork(c);
    if (c->tls) {
        /* As if theirs had come: nobody will read it, and SSL_shutdown() would try to. */
        SSL_set_shutdown(c->tls, SSL_get_shutdown(c->tls) | SSL_RECEIVED_SHUTDOWN);
        say_close_notify(c);
        /* Else OpenSSL marks the session as not resumable, and others may hold it. */
        SSL_set_shutdown(c->tls, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(c->tls);
        ERR_clear_error();
    }
    if (c->fd >= 0)
        close(c->fd);
    slack_free(&c->slack);
    conn_init(c, -1);
}

static bool has_slack(struct conn *c)
{
    if (!c->slack)
        c->slack = slack_new(c->fd);
    return c->slack;
}

void conn_fetch(struct conn *c)
{
    if (c->fd >= 0 && !c->broken && has_slack(c))
        slack_fetch(c->slack);
}

void conn_cork(struct conn *c)
{
    if (c->fd >= 0 && !c->offloaded && has_slack(c))
        c->slack->corked = true;
}

enum conn_got conn_uncork(struct conn *c)
{
    if (c->slack)
        c->slack->corked = false;

    bool all = !c->slack || slack_flush(c->slack); /* an alert, too, of what is broken */

    if (c->broken)
        return CONN_FAILED;
    return all ? CONN_SOME : outcome_plain(c, -1, NULL, CONN_OUT);
}

bool conn_is_heard(const struct conn *c)
{
    int unheard;

    return !c->broken && !conn_owes(c) && ioctl(c->fd, SIOCOUTQ, &unheard) == 0 && unheard == 0;
}

static enum conn_got received(struct conn *c, ssize_t got, size_t *len)
{
    return got == 0 ? CONN_OVER : outcome_plain(c, got, len, CONN_IN);
}

enum conn_got conn_peek(struct conn *c, char *to, size_t size, size_t *len)
{
    *len = 0;
    assert(!c->slack || !c->slack->ahead);
    return c->broken ? CONN_FAILED : received(c, recv(c->fd, to, size, MSG_PEEK), len);
}

/* Messages of TLS itself that a read came upon. */
static _Thread_local unsigned news;
static _Thread_local bool keys_wanted; /* a KeyUpdate that asks for one of ours was among them */

/* RFC 8446, 4.6.3: a header of four bytes, and whether one is asked for. */
static bool wants_keys(const unsigned char *message, size_t len)
{
    return len == 5 && message[0] == SSL3_MT_KEY_UPDATE && message[4] == SSL_KEY_UPDATE_REQUESTED;
}

static void on_message(int sent, int version, int type, const void *bytes, size_t len, SSL *tls,
                       void *arg)
{
    (void)version, (void)tls, (void)arg;
    if (sent || type != SSL3_RT_HANDSHAKE)
        return;
    news++;
    keys_wanted = keys_wanted || wants_keys(bytes, len);
}

/* A record may hold no data for us, but a ticket or new keys. OpenSSL would go on with the next by
 * itself as long as there is any (SSL_MODE_AUTO_RETRY), and a peer that sends only such ones
 * would have this thread for itself. Even so it goes on to the end of what was read ahead: 2,400
 * new keys are in that. With a byte of data behind each such heap none of them is without data, and
 * 5 MB took a second; so it is counted how many come before the next data, too. */
static enum conn_got read_secret(struct conn *c, char *to, size_t size, size_t *len)
{
    for (unsigned round = 0; round < DATALESS; round++) {
        news = 0;
        keys_wanted = false;
        enum conn_got got = outcome_secret(c, SSL_read_ex(outcome_asked(c), to, size, len));

        c->dataless += news;
        c->outdated = c->outdated || (c->offloaded && keys_wanted);
        if (c->dataless > NEWS_MOST)
            break;
        if (got == CONN_SOME)
            c->dataless = 0;
        /* outcome_asked() has put 0 there: it was not the socket that had no more. */
        if (got != CONN_LATER || c->needs != CONN_IN || errno != 0)
            return got;
    }
    return outcome_failed(c, "new keys without end");
}

/* For TLS: is there a record to be had, or likely to be? */
static bool goes_on(const struct conn *c)
{
    return SSL_has_pending(c->tls) || bio_is_filled(SSL_get_rbio(c->tls));
}

/* Several records, if they came together: what is in them goes on in one piece then. With records
 * of 4 KB, as many programs write them, that is all that was read ahead; there is an end to it, for
 * others hold a single byte. A message of 100 KB leaves by two writes so, not by three. */
static enum conn_got read_records(struct conn *c, char *to, size_t size, size_t *len)
{
    enum conn_got got = read_secret(c, to, size, len);

    for (unsigned i = 1; i < TLS_TOGETHER && got == CONN_SOME && *len < size; i++) {
        size_t more = 0;

        if (!goes_on(c))
            break;
        got = read_secret(c, to + *len, size - *len, &more);
        *len += more;
    }
    c->dry = got == CONN_LATER;
    c->clogged = c->dry && c->needs == CONN_OUT;
    c->unsaid = *len > 0 && got >= CONN_OVER;
    return *len > 0 ? CONN_SOME : got;
}

enum conn_got conn_read(struct conn *c, char *to, size_t size, size_t *len)
{
    enum conn_got got;

    *len = 0;
    c->unsaid = false;
    if (c->broken)
        return CONN_FAILED;
    if (c->tls)
        return read_records(c, to, size, len);
    got = received(c, outcome_recv(c, to, size), len);
    c->dry = *len < size;
    c->clogged = false;
    return got;
}

bool conn_discard(struct conn *c)
{
    char forgotten[4096];
    enum conn_got got = CONN_SOME;
    size_t len;

    for (unsigned round = 0; got == CONN_SOME && round < DISCARD_ROUNDS; round++)
        got = conn_read(c, forgotten, sizeof forgotten, &len);
    return got == CONN_SOME || got == CONN_LATER;
}

static bool begin(struct conn *c, struct tls *how)
{
    ERR_clear_error();
    c->tls = tls_begin(how);

    if (!c->tls)
        return false;
    bool offload = SSL_get_options(c->tls) & SSL_OP_ENABLE_KTLS;
    BIO *in = has_slack(c) ? bio_new(c->slack) : NULL,
        *out = in && offload ? bio_new_offloading(c->fd) : in;

    if (in)
        SSL_set_bio(c->tls, in, out);
    if (out)
        SSL_set_msg_callback(c->tls, on_message);
    return out;
}

/* The keys of the exchange, ours and theirs, which OpenSSL holds as long as the session: nothing
 * needs them any more, and who reads this memory later must not open what was recorded. 450 bytes
 * less in an idle session, too. The object itself stays, as an empty one. */
static void forget_exchange(SSL *tls)
{
    EVP_PKEY *key;

    if (SSL_get_tmp_key(tls, &key)) {
        (void)EVP_PKEY_set_type(key, EVP_PKEY_X25519);
        EVP_PKEY_free(key);
    }
    if (SSL_get_peer_tmp_key(tls, &key)) {
        (void)EVP_PKEY_set_type(key, EVP_PKEY_X25519);
        EVP_PKEY_free(key);
    }
}

static enum conn_got shake(struct conn *c)
{
    enum conn_got got = outcome_secret(c, SSL_do_handshake(outcome_asked(c)));

    c->shaken = got == CONN_SOME;
    if (c->shaken) {
        forget_exchange(c->tls);
        c->offloaded = bio_is_offloaded(SSL_get_wbio(c->tls));
    }
    c->dry = false; /* more may have come with the last of it */
    return got;
}

enum conn_got conn_accept_tls(struct conn *c, struct tls *how, const struct tls_asks *asks)
{
    if (c->broken)
        return CONN_FAILED;
    if (!c->tls && (!begin(c, how) || (asks && !tls_ask(how, c->tls, asks))))
        return outcome_failed(c, "out of memory");
    return shake(c);
}

enum conn_got conn_connect_tls(struct conn *c, struct tls *how, const char *name,
                               struct ssl_session_st *session)
{
    if (c->broken)
        return CONN_FAILED;
    if (!c->tls) {
        if (!begin(c, how))
            return outcome_failed(c, "out of memory");
        if (name && SSL_set_tlsext_host_name(c->tls, name) != 1)
            return outcome_failed(c, "no name for SNI");
        if (session)
            (void)SSL_set_session(c->tls, session); /* else a full handshake */
    }
    return shake(c);
}

bool conn_has_pending(const struct conn *c)
{
    return c->unsaid || (c->slack && c->slack->ahead) ||
           (c->tls && !c->broken && !c->dry && SSL_has_pending(c->tls));
}

bool conn_is_drained(const struct conn *c, enum conn_got got)
{
    return got != CONN_SOME || c->dry || (c->tls && !c->unsaid && !goes_on(c));
}
