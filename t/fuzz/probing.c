/* SPDX-License-Identifier: Apache-2.0
 *
 * A mail server that is asked whether it may be behind us, and would like to be. The first byte is
 * the identity and how TLS begins; the rest is what it says, and a 1 is the end of the handshake.
 */
#include "behind/probing.h"

#include <strings.h>

#include "fuzz.h"

int fuzz_reached;

/* Nothing else is ever asked, so no mail is sent; and of these only some in the clear. */
static void check_line(struct span line, bool is_clear)
{
    static const char *const asked[] = {"EHLO ",       "STARTTLS\r", "XCLIENT ",
                                        "MAIL FROM:<", "RCPT TO:<",  "RSET\r"};
    bool known = false;

    for (size_t i = 0; i < (is_clear ? 2 : COUNT_OF(asked)); i++)
        known |= span_starts_nocase(line, asked[i]);
    promise(known && line.len <= 512 && line.at[line.len - 1] == '\r');
}

static void check_asked(struct probing *p, bool is_clear)
{
    struct span out = buf_peek(&p->dial.out);

    promise(out.len == 0 || out.at[out.len - 1] == '\n');
    while (out.len > 0)
        check_line(span_cut(&out, '\n'), is_clear);
    buf_drop(&p->dial.out, buf_len(&p->dial.out));
}

/* Who is found safe has named relaying, or wants a login. */
static bool has_refused(const char *said, size_t size)
{
    static const char *const words[] = {"530",       "5.7.1",      "relay",
                                        "rcpthosts", "local host", "invalid recipient"};
    bool found = false;

    for (size_t i = 0; i < size; i++)
        for (size_t k = 0; k < COUNT_OF(words); k++)
            found |=
                size - i >= strlen(words[k]) && !strncasecmp(said + i, words[k], strlen(words[k]));
    return found;
}

static void check_found(const struct probing *p, const char *said, size_t size)
{
    const struct probed *f = &p->found;

    promise(f->verdict < VERDICT_COUNT && *verdict_what(f->verdict));
    promise(strspn(f->name, "0123456789-.abcdefghijklmnopqrstuvwxyz"
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(f->name));
    for (const char *c = f->said; *c; c++)
        promise((unsigned char)*c >= ' ');
    if (f->verdict == VERDICT_SAFE)
        promise(f->taken && has_refused(said, size));
    fuzz_reached += f->verdict == VERDICT_SAFE;
}

/* What comes before the handshake is over was slipped in, and must be the end. */
static bool secure(struct probing *p)
{
    bool clean = buf_len(&p->dial.in) == p->dial.lent, goes_on = probing_secured(p);

    promise(clean || !goes_on);
    return goes_on;
}

static bool step(struct probing *p, char byte, bool *is_clear)
{
    bool shaken = byte == 1 && probing_shakes(p), goes_on = true;

    if (shaken)
        goes_on = secure(p);
    else
        promise(dial_feed(&p->dial, (struct span){&byte, 1}));
    *is_clear &= !shaken;
    goes_on = goes_on && probing_goes_on(p);
    check_asked(p, *is_clear);
    return goes_on;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct guest who = {.helo = "proxy.test", .extended = true, .session = ""};
    struct probing p;
    bool is_clear;

    if (size < 1)
        return 0;
    who.identity = (bytes[0] & 7) % (IDENTITY_TRANSPARENT + 1);
    who.use_tls = (bytes[0] >> 3 & 3) % (BACKEND_TLS_IMMEDIATE + 1);
    is_clear = who.use_tls != BACKEND_TLS_NO;
    promise(addr_read_port(SPAN("192.0.2.1:25000"), &who.client));
    promise(addr_read_port(SPAN("192.0.2.25:25"), &who.listener));
    promise(probing_init(&p, &who));
    buf_drop(&p.dial.out, buf_len(&p.dial.out)); /* its header */
    for (size_t i = 1; i < size && step(&p, (char)bytes[i], &is_clear); i++)
        promise(buf_len(&p.dial.in) <= DIAL_REPLY_MAX);
    if (p.asks == PROBING_OVER)
        check_found(&p, (const char *)bytes + 1, size - 1);
    probing_clear(&p);
    return 0;
}
