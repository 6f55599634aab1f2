/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/ids.h"

bool ids_read(const struct texts *list, struct ids *out, const char **wrong)
{
    struct ids ids = {.xforward = false};

    for (size_t i = 0; i < list->count; i++) {
        struct span word = span_of(*wrong = list->at[i]);
        bool *is = span_is_nocase(word, "xforward")   ? &ids.xforward
                   : span_is_nocase(word, "envid")    ? &ids.envid
                   : span_is_nocase(word, "auth")     ? &ids.auth
                   : span_is_nocase(word, "received") ? &ids.received
                                                      : NULL;

        if (!is)
            return false;
        *is = true;
    }
    *out = ids;
    return true;
}
