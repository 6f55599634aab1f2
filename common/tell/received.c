/* SPDX-License-Identifier: Apache-2.0 */
#include "tell/received.h"

#include "base/text.h"

/* Behind `len` bytes, cut to fit; how many there are then comes back. */
static size_t put(char *to, size_t size, size_t len, const char *text)
{
    struct span s = span_of(text);
    size_t room = size - len - 1;

    text_copy(to + len, size - len, s);
    return len + (s.len < room ? s.len : room);
}

void received_source(struct record *r, const char *helo, const char *address, char *to, size_t size)
{
    size_t len = put(to, size, 0, helo);

    len = put(to, size, len, *helo ? " (" : "(");
    len = put(to, size, len, address);
    (void)put(to, size, len, ")");
    r->column[COLUMN_srcType] = SPAN("smtp");
    r->column[COLUMN_srcMta] = span_of(to);
}

void received_tls(struct record *r, const struct tls_facts *tls)
{
    r->column[COLUMN_rcvTlsProtocol] = span_of(tls->protocol);
    r->column[COLUMN_rcvTlsCipher] = span_of(tls->cipher);
    r->column[COLUMN_rcvTlsGroup] = span_of(tls->group);
    r->column[COLUMN_rcvTlsVerify] = span_of(tls->verify);
    r->column[COLUMN_rcvTlsClientSubject] = span_of(tls->peer_subject);
    r->column[COLUMN_rcvTlsClientFingerprint] = span_of(tls->peer_fingerprint);
    r->column[COLUMN_rcvTlsSni] = span_of(tls->sni);
}
