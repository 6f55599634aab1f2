/* SPDX-License-Identifier: Apache-2.0
 *
 * Whoever asks for transports: frames, questions, and what is answered.
 */
#include "proxy-out/map.h"

#include "fuzz.h"

int fuzz_reached;

static void answer(struct span question)
{
    static const char *const names[] = {"local.test"};
    struct texts local = {names, 1};
    char text[MAP_ANSWER_MAX];

    map_answer(question, &local, 2525, text);
    promise(!strncmp(text, "OK smtp:[127.", 13) || !strcmp(text, "NOTFOUND ") ||
            !strcmp(text, "PERM no question"));
    promise(strncmp(text, "OK smtp:[127.0.0.", 17) != 0);
    fuzz_reached += text[0] == 'O';
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct span in = {(const char *)bytes, size}, question;
    size_t used;

    while (netstring_read(in, &question, &used) > 0) {
        promise(used <= in.len && question.len <= NETSTRING_MAX);
        answer(question);
        in = span_after(in, used);
    }
    answer((struct span){(const char *)bytes, size});
    return 0;
}
