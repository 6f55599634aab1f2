/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tlsrpt/send.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/tlsrpt/mail.h"
#include "cli/tlsrpt/post.h"
#include "cli/tlsrpt/upload.h"

enum { MAIL_MOST = 64 << 20 };

static bool by_mail(const struct sender_of *s, const struct sending *what, const struct rua *to,
                    char *why, size_t size)
{
    struct mail m = {.by = s->by,
                     .from = s->from,
                     .to = to->mail,
                     .domain = what->domain,
                     .packed = what->packed,
                     .good = what->good,
                     .failed = what->failed,
                     .now = (time_t)clock_now()};
    struct backend_server server;
    struct backend backend = {.servers = &server};
    char env_id[64];
    struct buf text;
    bool ok;

    if (!*s->from || !backend_server_read(s->settings->global.tls_report_server, &server)) {
        snprintf(why, size, "tls-report-from is not set");
        return false;
    }
    snprintf(env_id, sizeof env_id, SESSION_ENVID "%016" PRIx64, mail_number(&m));
    buf_init(&text, MAIL_MOST);
    snprintf(why, size, "no memory");
    ok = mail_write(&text, &m) && post_send(s->base, &backend,
                                            &(struct post_mail){.helo = s->settings->host_name,
                                                                .from = s->from,
                                                                .to = to->mail,
                                                                .env_id = env_id,
                                                                .text = buf_peek(&text)},
                                            why, size);
    buf_clear(&text);
    return ok;
}

bool send_report(const struct sender_of *s, const struct sending *what, const struct rua *to,
                 char *why, size_t size)
{
    const struct global *g = &s->settings->global;

    if (!to->is_https)
        return by_mail(s, what, to, why, size);
    return upload(&(struct upload){.base = s->base,
                                   .resolve = s->resolve,
                                   .url = to->text,
                                   .host = to->host,
                                   .port = to->port,
                                   .allow_private = g->mta_sts_allow_private,
                                   .seconds = (double)g->mta_sts_timeout,
                                   .body = what->packed},
                  why, size);
}
