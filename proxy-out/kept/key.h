/* SPDX-License-Identifier: Apache-2.0
 *
 * key - what two messages must have in common to go over one connection, or to resume one TLS
 * session: where it goes and from where, who we say that we are, and all that is demanded of its
 * TLS and was proven then. So nothing that must be secret goes out on what was made for something
 * less, and nothing is taken as proven that was not.
 *
 * A worker has one configuration for its life, so that is no part of it.
 */
#pragma once

#include "net/dane.h"
#include "remote/upstream.h"
#include "rule/domain.h"
#include "way/route.h"

struct tls;

/* All of it is borrowed for the call. */
struct key_of {
    const struct candidate *to;
    const struct addr *from; /* NULL: the kernel's choice */
    const char *ehlo_name;
    const struct domain *rule; /* CA file, client certificate, ciphers, oldest protocol, name and
                                  fingerprints to be proven, login, TLS from the first byte */
    const struct demand *demand;
    const struct dane *dane; /* with PART_DANE */
    const char *policy;      /* id of the MTA-STS policy; "" for none */
    const struct tls *tls;   /* the context, for all that comes of files */
};

/* "": no memory; such a key fits nothing. */
void key_make(char key[UPSTREAM_KEY], const struct key_of *of);
