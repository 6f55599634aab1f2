/* SPDX-License-Identifier: Apache-2.0
 *
 * attempt - one try at one server: connect, greeting, EHLO, TLS as it is demanded, EHLO again.
 *
 * It ends with an upstream that is ready for MAIL, or with a fail. Where the demand allows clear
 * text and the handshake broke or stalled, it tries once more on a new connection without TLS;
 * that is judge()'s to say and nobody else's.
 */
#pragma once

#include "net/dane.h"
#include "remote/upstream.h"
#include "rule/domain.h"
#include "way/route.h"

struct attempt;
struct ssl_session_st;
struct tls;

struct attempt_conf {
    struct event_base *base;
    const struct candidate *to;
    const struct addr *from; /* NULL: the kernel's choice */
    const char *ehlo_name;
    const char *greeting; /* ours, that of the relay-listeners; NULL: there is none to know */
    const struct domain *rule;
    struct demand demand;
    struct tls *tls;
    struct tls *public;             /* whose CAs will do for MTA-STS, besides those of `tls` */
    struct dane dane;               /* with PART_DANE: what must be matched */
    struct ssl_session_st *session; /* to be resumed; NULL: none. The attempt's from here */
    double seconds;                 /* for all of it */
    double connect_seconds;         /* for a connection; 0: connect-timeout */
    double handshake_seconds;       /* for a handshake */
};

/* FAIL_NOT: the upstream is yours. Else it is only shown, for what it says of the server, and
 * NULL if there is no memory. The attempt is over and may be freed. Called from the loop. */
typedef void attempt_fn(void *arg, struct upstream *up, enum fail fail);

/* All pointers of `conf` must live as long as the attempt. NULL: no memory. */
struct attempt *attempt_new(const struct attempt_conf *conf, attempt_fn *fn, void *arg);
void attempt_free(struct attempt **a);

/* How much of the time that is left one of `candidates` may take: a fair share. */
static inline double attempt_share(double left, size_t candidates)
{
    return left / (double)(candidates > 1 ? candidates : 1);
}
