/* SPDX-License-Identifier: Apache-2.0
 *
 * conn - a connection: a socket, and TLS over it once that has started.
 *
 * Nothing here waits. What could not be done yet returns CONN_LATER, and `needs` then
 * says what the socket must be ready for before it is tried again; with TLS that can be
 * reading in order to write.
 *
 * Once TLS has begun there is no way back to plain text but conn_clear(): after the other
 * side's close_notify every read is CONN_OVER. The process must ignore SIGPIPE.
 */
#pragma once

#include <time.h>

#include "base/addr.h"
#include "base/span.h"
#include "net/slack.h"
#include "rule/decide.h"
#include "rule/facts.h"

/* CONN_OVER: the other side ended in order. */
enum conn_got { CONN_SOME, CONN_LATER, CONN_OVER, CONN_FAILED };
enum { CONN_IN = 1, CONN_OUT = 2 };

struct ssl_st;
struct ssl_session_st;
struct tls;
struct tls_asks;

struct conn {
    int fd;              /* ours; -1: none */
    unsigned needs;      /* CONN_IN | CONN_OUT, after CONN_LATER */
    struct ssl_st *tls;  /* ours */
    const char *why;     /* static or thread's text, after CONN_FAILED: a few words for the log */
    struct slack *slack; /* ours: what was read ahead and what waits to be sent; NULL: nothing */
    unsigned dataless;   /* messages of TLS itself since the last data: new keys, tickets */
    bool shaken;         /* hands: the handshake is over */
    bool broken;         /* CONN_FAILED was said: nothing more goes out, no close_notify either */
    bool foreign;        /* the handshake failed, for it was for other protocols (ALPN) */
    bool unwanted;       /* the one called refused our certificate, or that there was none; with
                            TLS 1.3 it says so behind the handshake */
    bool dry;            /* the last read was CONN_LATER: TLS holds no whole record; or it
                            took all that was there, in the clear */
    bool unsaid;    /* the last read came to an end behind what it gave: the next one says so */
    bool clogged;   /* the last read was, for want of room to write: see conn_reads_on() */
    bool leaving;   /* conn_leave() was said */
    bool offloaded; /* the kernel encrypts what is sent: ktls.h */
    bool outdated;  /* it should do so by new keys, which it cannot have */
};

/* `fd` is non-blocking and ours from here; -1 for none yet. Sets TCP_NODELAY. */
void conn_init(struct conn *c, int fd);

/* Says close_notify where that is due, and closes. Usable again after conn_init(). */
void conn_clear(struct conn *c);

/* What is written from now on are the last words: they leave together with the end, so
 * conn_finish() or conn_clear() must follow as soon as all of them is taken. */
void conn_leave(struct conn *c);

/* Says that nothing more comes (close_notify, FIN); the other side may still be heard out, so that
 * our last words are not lost with a reset. */
void conn_finish(struct conn *c);

/* Begins to connect, from `source` if not NULL (its port may be 0). CONN_LATER: wait until
 * writable, then conn_dialled(). The local address is known at once (conn_local()). */
MUST enum conn_got conn_dial(struct conn *c, const struct addr *to, const struct addr *source);
MUST enum conn_got conn_dialled(struct conn *c);

/* The same to a unix socket; it comes about at once or not at all. */
MUST enum conn_got conn_dial_unix(struct conn *c, const char *path);

/* Binds to `source`, or to a port that the kernel picks, without connecting yet: for whoever
 * must tell others our address before the upstream can see us. Then conn_dial(). */
MUST bool conn_bind(struct conn *c, const struct addr *source, const struct addr *to);

/* Opens `c` and binds it to the address of somebody else, `client`, towards `to` (IP_TRANSPARENT):
 * what is sent comes from there. The port is one that the kernel picks: the client's own may be
 * taken, if only by what this session had before. Needs CAP_NET_RAW; and answers come back only
 * where routing brings them here. */
MUST bool conn_bind_as(struct conn *c, const struct addr *client, const struct addr *to);

/* May this process do that? */
bool conn_may_bind_as(void);

MUST bool conn_local(const struct conn *c, struct addr *out);

/* Where the other side was going before netfilter's REDIRECT (or DNAT) sent it here. False: nobody
 * did. */
MUST bool conn_meant(const struct conn *c, struct addr *out);

/* CONN_SOME: `*len` bytes. */
MUST enum conn_got conn_read(struct conn *c, char *to, size_t size, size_t *len);

/* Writing said CONN_FAILED: what the other side had said before, if it is there to be had. How many
 * bytes comes back. */
MUST size_t conn_read_rest(struct conn *c, char *to, size_t size);

/* What to wait for before the next read: CONN_IN; or CONN_OUT, when the other side asks for new
 * keys and does not read ours. Bytes from it are no use then, and to wait for them would be to
 * spin. */
static inline unsigned conn_reads_on(const struct conn *c)
{
    return c->clogged ? CONN_OUT : CONN_IN;
}

/* As conn_read(), but the bytes stay and come again; only before TLS. */
MUST enum conn_got conn_peek(struct conn *c, char *to, size_t size, size_t *len);

/* Reads what comes and forgets it, up to a limit. False: it is at its end. */
MUST bool conn_discard(struct conn *c);

/* Writes pieces in order as one: one system call, and as few TLS records as may be. `*len`
 * is what was taken, over all pieces; it may be less than they have. After CONN_LATER, and for
 * what was not taken, the same bytes must be offered again first; cut into other pieces
 * and with more behind them if you like, but never fewer. */
MUST enum conn_got conn_write(struct conn *c, const struct span *pieces, size_t count, size_t *len);

/* For a turn of many (turn.h). Reads what has come already, to be found by the next conn_read(). */
void conn_fetch(struct conn *c);

/* What is written waits for conn_uncork(), if it is little. CONN_LATER: some still waits, and goes
 * with the next conn_write(), be it of nothing, once the socket is writable. CONN_FAILED: some
 * never goes, or it was broken before. In both cases conn_owes(). */
void conn_cork(struct conn *c);
MUST enum conn_got conn_uncork(struct conn *c);

/* conn_uncork() left some. */
static inline bool conn_owes(const struct conn *c)
{
    return c->slack && c->slack->behind && !c->slack->corked;
}

/* The other side's kernel has all that was written. Where nobody reads, it acknowledges nothing
 * once its memory is full, and in the end resets the connection. */
bool conn_is_heard(const struct conn *c);

/* The handshake, as the one called and as the caller; CONN_SOME: done, else call again with
 * the same. The one called asks for what `asks` says (NULL: nothing). For the caller, `name` goes
 * out as SNI (NULL: none) and `session` (may be NULL, stays yours) is offered to resume. What the
 * certificate proves does not end a handshake: ask conn_cert_state() then. */
MUST enum conn_got conn_accept_tls(struct conn *c, struct tls *how, const struct tls_asks *asks);
MUST enum conn_got conn_connect_tls(struct conn *c, struct tls *how, const char *name,
                                    struct ssl_session_st *session);

static inline bool conn_is_secure(const struct conn *c)
{
    return c->tls != NULL;
}

/* What TLS holds, be it its end, or was read ahead, and no socket will announce: false after a
 * read said CONN_LATER, until the next conn_fetch(). */
bool conn_has_pending(const struct conn *c);

/* Was that read, which said `got`, the last that is worth a try before the loop says that there is
 * more? Only a hint: what it misses, the loop announces. */
bool conn_is_drained(const struct conn *c, enum conn_got got);

/* After the handshake. */
void conn_facts(const struct conn *c, struct tls_facts *out);

/* The dNSNames of the other side's certificate, with a space between; its common name where it has
 * no subjectAltName at all. Whether it verifies is another matter. Yours to free; NULL: none. */
char *conn_names(const struct conn *c);

/* What the other side's certificate proves, against the context's CAs and the clock; and, unless
 * `name` is NULL, for that name: dNSName only, a wildcard being the whole leftmost label
 * (RFC 9525). After the handshake, also of a resumed session; no certificate is
 * CERT_UNTRUSTED. */
enum cert_state conn_cert_state(const struct conn *c, const char *name);

/* The same by other CAs than the session's own: those of the context `cas`, of a caller. */
enum cert_state conn_cert_state_by(const struct conn *c, struct tls *cas, const char *name);

/* Is it for this name, whoever made it? As above. */
bool conn_cert_is_for(const struct conn *c, const char *name);

/* What people want to know of it besides: cleaned, and "" and 0 where there is none. */
struct conn_cert {
    char issuer[256]; /* one line, RFC 2253 */
    time_t from, until;
};
void conn_cert(const struct conn *c, struct conn_cert *out);

/* The caller's side: what may resume this session, as of now; yours to free. With TLS 1.3 it
 * comes after the handshake, with the first bytes that are read, so ask for it late. NULL: none. */
struct ssl_session_st *conn_session(const struct conn *c);
void conn_session_free(struct ssl_session_st **session);
