/* SPDX-License-Identifier: Apache-2.0 */
#include "behind/denial.h"

#include "smtp/reply.h"

enum { TEXT = 1024 };

static const struct {
    const char *words;
    enum denial shows;
} rows[] = {
#define DENIAL(words, shows) {words, DENIAL_##shows},
#include "behind/denial.def"
#undef DENIAL
};

static bool is_for_ever(int code)
{
    return code == 550 || code == 551 || code == 553 || code == 554;
}

/* 513 is Courier's. 451 and 454 are those who only defer (Postfix: defer_unauth_destination). */
static bool may_name_relaying(int code)
{
    return is_for_ever(code) || code == 513 || code == 451 || code == 454;
}

/* RFC 3463, 3.2 and RFC 7505, 4.2: there is no such domain, or it takes no mail. */
static bool is_of_domain(const char *status)
{
    return strcmp(status + 1, ".1.2") == 0 || strcmp(status + 1, ".1.10") == 0;
}

enum denial denial_read(struct span reply)
{
    const struct reply r = reply_read(reply);
    char text[TEXT];

    if (r.code >= 200 && r.code < 300)
        return DENIAL_RELAYS;
    if (r.code == 530)
        return DENIAL_REFUSES;
    if (is_of_domain(r.status))
        return DENIAL_NOT_KNOWN;
    reply_flat(text, sizeof text, reply);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strcasestr(text, rows[i].words))
            return rows[i].shows == DENIAL_REFUSES && !may_name_relaying(r.code) ? DENIAL_NOT_KNOWN
                                                                                 : rows[i].shows;
    return is_for_ever(r.code) && strcmp(r.status, "5.7.1") == 0 ? DENIAL_REFUSES
                                                                 : DENIAL_NOT_KNOWN;
}
