/* SPDX-License-Identifier: Apache-2.0 */
#include "user.h"

#include "asks.h"
#include "smtp/authname.h"

void user_begin(struct relay *r, struct span arg)
{
    relay_forget(&r->user);
    r->mechanism = authname_find(span_cut(&arg, ' '));
    if (arg.len > 0)
        user_respond(r, arg);
}

void user_respond(struct relay *r, struct span response)
{
    char name[AUTHNAME_SIZE];

    if (authname_read(name, r->mechanism, response) > 0)
        relay_keep(&r->user, span_of(name));
    r->mechanism = 0;
}

struct span user_name(const struct relay *r)
{
    return span_of(r->authenticated && r->user ? r->user : "");
}
