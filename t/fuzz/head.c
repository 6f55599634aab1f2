/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes may come from where load balancers are: they are a header, or none, or not yet; and
 * what was one can be passed on.
 */
#include "net/head.h"

#include "fuzz.h"

int fuzz_reached;

static void pass_on(const struct head_said *said)
{
    struct head_said again;
    size_t took;
    struct buf b;

    buf_init(&b, HEAD_MAX);
    promise(head_make_v2(&b, &said->client, &said->server, NULL, SPAN("id"), said->tlvs));
    promise(head_read(buf_peek(&b), &again, &took) == 1 && took == buf_len(&b));
    promise(addr_is_same(&said->client, &again.client));
    promise(addr_is_same(&said->server, &again.server));
    buf_clear(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct span in = {(const char *)bytes, size};
    struct head_said said, cut_said;
    size_t took = 0, cut_took = 0;
    int got = head_read(in, &said, &took);

    promise(got <= 0 || (took > 0 && took <= size && took <= HEAD_MAX_IN));
    promise(got != 0 || size < HEAD_MAX_IN);
    if (got <= 0)
        return 0;
    fuzz_reached++;
    promise(head_read((struct span){in.at, took - 1}, &cut_said, &cut_took) == 0);
    promise(head_read((struct span){in.at, took}, &cut_said, &cut_took) == 1 && cut_took == took);
    if (!said.local)
        pass_on(&said);
    return 0;
}
