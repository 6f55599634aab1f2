/* SPDX-License-Identifier: Apache-2.0
 *
 * The first byte is the view; the rest is a reply to EHLO, or what is meant to be one.
 */
#include "smtp/ehlo.h"

#include "fuzz.h"
#include "smtp/reply.h"

int fuzz_reached;

/* What a client must never see of an upstream. */
static void check(struct span shown, const struct ehlo_view *view)
{
    struct ehlo e = ehlo_read(shown);
    struct span last = shown, auth = ehlo_argument(shown, "AUTH");
    char list[8192];

    promise(!ehlo_has(&e, EHLO_XCLIENT) && !ehlo_has(&e, EHLO_XFORWARD));
    ehlo_list(list, sizeof list, shown);
    promise(!strcasestr(list, "BINARYMIME") && !strcasestr(list, "REQUIRETLS"));
    promise(ehlo_has(&e, EHLO_STARTTLS) == view->starttls);
    promise(view->auth != EHLO_AUTH_NONE || !ehlo_has(&e, EHLO_AUTH));
    while (view->auth == EHLO_AUTH_GUARDED && auth.len)
        promise(auth_is_guarded(span_cut(&auth, ' ')));
    for (struct span line; last.len;) {
        line = span_cut(&last, '\n');
        promise(line.len > 4 && line.at[3] == (last.len ? '-' : ' '));
    }
    fuzz_reached += ehlo_has(&e, EHLO_AUTH);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct span reply = {(const char *)bytes + 1, size - 1};
    char text[64];
    struct buf to;

    if (size < 1)
        return 0;
    struct ehlo_view view = {"us", bytes[0] & 4, bytes[0] % 3, bytes[0] & 16 ? 99 : 0};

    ehlo_list(text, 1 + bytes[0] % sizeof text, reply);
    buf_init(&to, bytes[0] & 8 ? 100 : 4096);
    if (ehlo_copy(&to, reply, &view))
        check(buf_peek(&to), &view);
    buf_clear(&to);
    buf_init(&to, 4096);
    reply_flat(text, 1 + bytes[0] % sizeof text, reply);
    promise(reply_queue_id(reply).len < REPLY_ID_MAX);
    if (reply_append(&to, reply, SPAN("mx")))
        promise(buf_len(&to) >= 9);
    buf_clear(&to);
    return 0;
}
