/* SPDX-License-Identifier: Apache-2.0
 *
 * story - what is told of a session at its end: one line.
 *
 * Its transactions come and go; what the last one that sought a server found is kept for the line.
 */
#pragma once

#include "proxy-out/seek.h"
#include "smtp/idna.h"

struct story {
    char domain[IDNA_NAME], server[DNS_NAME];
    struct addr at;   /* port 0: no server was found */
    const char *rule; /* the settings' */
    struct demand demand;
    char tls[16], cipher[48], verify[64]; /* "": in the clear */
    bool reused;
    enum fail fail;          /* why there is none */
    unsigned servers, fails; /* how many were found, and how many searches were in vain */
};

/* A search is over; `*story` is made with the first one. Without memory nothing is kept. */
void story_note(struct story **story, const struct seek *k, const struct remote *remote);

struct session;
void story_tell(const struct session *s);
