/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dig.h"

#include <stdlib.h>

static void drop(struct dig *d)
{
    free(d->message);
    free(d);
}

static void on_answer(void *arg, enum resolved how, bool secure, struct span message)
{
    struct dig *d = arg;

    d->done = true;
    d->how = how;
    d->secure = secure;
    if (message.len > 0 && (d->message = malloc(message.len))) {
        memcpy(d->message, message.at, message.len);
        d->len = message.len;
    }
    if (d->left)
        drop(d);
}

struct dig *dig_new(struct resolve *r, const char *name, enum dns_type type)
{
    struct dig *d = calloc(1, sizeof *d);

    if (!d)
        return NULL;
    d->how = RESOLVED_UNKNOWN;
    resolve_ask(r, name, type, on_answer, d);
    return d;
}

void dig_free(struct dig **at)
{
    struct dig *d = *at;

    if (!d)
        return;
    *at = NULL;
    d->left = true;
    if (d->done)
        drop(d);
}

struct span dig_message(const struct dig *d)
{
    return (struct span){d->message, d->len};
}
