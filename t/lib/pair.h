/* SPDX-License-Identifier: Apache-2.0
 *
 * pair - a client and a server in one process, over a socket pair.
 */
#pragma once

#include <stddef.h>

#include "net/conn.h"
#include "net/tls.h"
#include "t/lib/ca.h"

struct pair {
    struct conn client, server;
    enum conn_got client_got, server_got; /* of the handshake */
    const struct tls_asks *asks;          /* of the server; NULL: nothing */
};

/* `room` bytes may wait in the sockets; 0: as many as usual. */
struct pair pair_open(int room);
void pair_close(struct pair *p);

/* Plays both handshakes until each is done, or one has failed. */
void pair_shake(struct pair *p, struct tls *client, struct tls *server, const char *name,
                struct ssl_session_st *session);

/* Sends a few bytes each way and checks that they come: with TLS 1.3 the tickets come too. */
void pair_talk(struct pair *p);

/* The usual contexts; they stop the test if they cannot be made. */
struct tls *pair_server(const char *const *files, size_t count, struct tickets *tickets);
struct tls *pair_client(const char *ca_file);

/* A CA; a server with its certificate for mx.example, *.w.example and p*.x.example, whose
 * common name is cn.example; and a client that knows the CA. */
struct world {
    struct ca_cert root;
    const char *ca_file;
    struct tls *client, *server;
};

struct world world_make(void);
void world_end(struct world *w);

/* A file with such a certificate and its key. */
const char *world_file(const char *name, const struct world *w, const struct ca_wish *wish);

/* A pair that has shaken hands and talked. */
struct pair world_open(const struct world *w, int room);
