/* SPDX-License-Identifier: Apache-2.0
 *
 * facts - where the TLS facts of a session come from: sallyport-in's table, or the mail
 * server's macros.
 */
#pragma once

#include "keep/table.h"
#include "milter/message.h"

/* A table that threads read; it is opened again when sallyport-in made it anew. */
struct facts;
struct facts *facts_open(const char *path); /* it may come later; NULL: no memory */
void facts_close(struct facts **f);

/* The session behind the connection that the mail server sees: its true client, TLS, and the
 * proxy's id of it. False: there is none, and then there is no TLS either. `rule` gets the title
 * of the source section that the proxy used. */
MUST bool facts_find(struct facts *f, struct session *s, char *rule, size_t size);

/* What a mail server says of its own TLS. */
struct macros {
    char version[64]; /* v: "Postfix 3.7.11" */
    char protocol[32], cipher[64], bits[16], verify[64], subject[512], issuer[512], name[512];
};

/* A subject is taken only where somebody vouches for it: Postfix names one, and its issuer, of
 * verified chains only; Sendmail names any, and says by {verify} whether it holds. Its common name
 * is all that either says of the names it is for: that one counts. */
void facts_of_macros(struct session *s, const struct macros *m);
