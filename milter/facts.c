/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/facts.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "rule/certificate.h"
#include "tell/log.h"

struct facts {
    pthread_mutex_t lock;
    struct table *table;
    bool complained;
    char path[];
};

struct facts *facts_open(const char *path)
{
    size_t size = strlen(path) + 1;
    struct facts *f = calloc(1, sizeof *f + size);

    if (f) {
        pthread_mutex_init(&f->lock, NULL);
        text_copy(f->path, size, span_of(path));
    }
    return f;
}

void facts_close(struct facts **f)
{
    if (*f) {
        table_close(&(*f)->table);
        pthread_mutex_destroy(&(*f)->lock);
    }
    free(*f);
    *f = NULL;
}

static void open_table(struct facts *f)
{
    char why[512];

    if (f->table && table_is_stale(f->table))
        table_close(&f->table);
    if (f->table)
        return;
    f->table = table_open(f->path, why, sizeof why);
    if (!f->table && !f->complained)
        log_say(LOG_FAULT, "", "no-session-table", {"why", span_of(why)},
                {"then", SPAN("clients count as without TLS")});
    f->complained = !f->table;
}

bool facts_find(struct facts *f, struct session *s, char *rule, size_t size)
{
    struct table_key key = {.client = s->client, .server = s->server};
    struct table_entry e;
    bool found;

    pthread_mutex_lock(&f->lock);
    open_table(f);
    found = f->table && table_find(f->table, &key, &e);
    pthread_mutex_unlock(&f->lock);
    if (!found)
        return false;
    s->id = e.session;
    s->client = e.client;
    s->server = e.listener;
    s->secure = e.secure;
    if (e.secure)
        s->tls = e.tls;
    text_copy(rule, size, span_of(e.rule));
    return true;
}

/* "OK" and others, as sallyport says them. */
static void take_verify(struct tls_facts *tls, const struct macros *m)
{
    static const char *const nones[] = {"NO", "NOT", "NONE"};
    struct span verify = span_of(m->verify);

    if (verify.len == 0)
        return;
    for (size_t i = 0; i < COUNT_OF(nones); i++) {
        if (span_is_nocase(verify, nones[i]))
            verify = SPAN("none");
    }
    text_copy(tls->verify, sizeof tls->verify, span_is_nocase(verify, "OK") ? SPAN("ok") : verify);
}

static int hex_digit(char c)
{
    const char *digits = "0123456789ABCDEF", *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* Sendmail writes +HH for what is odd in a subject; unlike xtext (RFC 3461), with '=' as it is. */
static size_t decode(char *to, size_t size, const char *from)
{
    size_t len = 0;

    for (; *from && len + 1 < size; from++) {
        int high = *from == '+' ? hex_digit(from[1]) : -1;
        int low = high >= 0 ? hex_digit(from[2]) : -1;

        to[len++] = low >= 0 ? (char)(high * 16 + low) : *from;
        from += low >= 0 ? 2 : 0;
    }
    to[len] = '\0';
    return len;
}

static void take_name(struct session *s, struct span name)
{
    if (certificate_is_name(name))
        text_copy(s->cert_name, sizeof s->cert_name, name);
}

static void take_subject(struct session *s, const struct macros *m)
{
    struct tls_facts *tls = &s->tls;
    char decoded[512];
    size_t len = decode(decoded, sizeof decoded, m->subject);

    if (span_starts_nocase(span_of(m->version), "Postfix")) {
        if (m->subject[0] == '\0' && m->issuer[0] == '\0')
            return;
        text_copy(tls->verify, sizeof tls->verify, SPAN("ok"));
        text_copy(tls->peer_subject, sizeof tls->peer_subject, span_of(m->subject));
        take_name(s, span_of(m->subject));
    } else if (span_is_nocase(span_of(m->verify), "OK")) {
        text_clean(tls->peer_subject, sizeof tls->peer_subject, (struct span){decoded, len});
        len = decode(decoded, sizeof decoded, m->name);
        take_name(s, (struct span){decoded, len});
    }
}

void facts_of_macros(struct session *s, const struct macros *m)
{
    unsigned long bits;

    s->secure = m->protocol[0] != '\0';
    s->tls = (struct tls_facts){.bits = 0};
    s->cert_name[0] = '\0';
    if (!s->secure)
        return;
    text_copy(s->tls.protocol, sizeof s->tls.protocol, span_of(m->protocol));
    text_copy(s->tls.cipher, sizeof s->tls.cipher, span_of(m->cipher));
    if (text_number(span_of(m->bits), 100000, &bits))
        s->tls.bits = (int)bits;
    take_verify(&s->tls, m);
    take_subject(s, m);
}
