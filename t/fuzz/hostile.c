/* SPDX-License-Identifier: Apache-2.0
 *
 * Both peers are hostile. Pieces of two bytes (who, how much) and what is said; who does not
 * listen is in the first of them too.
 */
#include "glue.h"

int fuzz_reached;

static void listen_to(struct glue *g, uint8_t who)
{
    char sent[512];

    if (who & 2)
        buf_drop(&g->client.out, buf_len(&g->client.out));
    if (who & 4 && glue_send(g, sent, sizeof sent) > 0)
        fuzz_reached++;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct glue g;

    if (size < 1)
        return 0;
    glue_init(&g, bytes[0] & 1 ? DOT_NORMALIZE : DOT_REJECT);
    for (bytes++, size--; size > 2 && !serve_is_over(&g.client);) {
        uint8_t who = bytes[0];
        struct span said = {(const char *)bytes + 2, bytes[1] < size - 2 ? bytes[1] : size - 2};
        bool fits = who & 1 ? serve_feed(&g.client, said) : dial_feed(&g.upstream, said);

        bytes += 2 + said.len;
        size -= 2 + said.len;
        promise(fits || buf_len(who & 1 ? &g.client.in : &g.upstream.in) > 0);
        glue_turn(&g);
        listen_to(&g, who);
    }
    glue_turn(&g);
    glue_clear(&g);
    return 0;
}
