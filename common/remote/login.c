/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/login.h"

#include <string.h>

#include "base/base64.h"
#include "smtp/ehlo.h"

_Static_assert(BASE64_SIZE(2 * LOGIN_MAX + 2) + sizeof "AUTH PLAIN \r\n" <= LOGIN_LINE, "fits");

void login_init(struct login *l, const char *user, const char *password)
{
    *l = (struct login){.user = user, .password = password};
}

void login_offered(struct login *l, struct span ehlo)
{
    struct span offers = ehlo_argument(ehlo, "AUTH");

    l->by = LOGIN_BY_NONE;
    l->said = 0;
    while (offers.len > 0) {
        struct span one = span_cut(&offers, ' ');

        if (span_is_nocase(one, "PLAIN"))
            l->by = LOGIN_BY_PLAIN;
        else if (span_is_nocase(one, "LOGIN") && l->by == LOGIN_BY_NONE)
            l->by = LOGIN_BY_LOGIN;
    }
}

static enum login_step say(char line[LOGIN_LINE], size_t *len, const char *verb, struct span secret)
{
    *len = strlen(verb);
    memcpy(line, verb, *len);
    *len += base64_write(line + *len, secret);
    memcpy(line + *len, "\r\n", 2);
    *len += 2;
    return LOGIN_SAY;
}

/* RFC 4616: nobody's name, the user's, the password, with NUL between. */
static enum login_step say_plain(const struct login *l, char line[LOGIN_LINE], size_t *len)
{
    char secret[2 * LOGIN_MAX + 2];
    size_t user = strlen(l->user), password = strlen(l->password);
    enum login_step step;

    secret[0] = secret[1 + user] = '\0';
    memcpy(secret + 1, l->user, user);
    memcpy(secret + 2 + user, l->password, password);
    step = say(line, len, "AUTH PLAIN ", (struct span){secret, 2 + user + password});
    explicit_bzero(secret, sizeof secret);
    return step;
}

static enum login_step begin(struct login *l, char line[LOGIN_LINE], size_t *len)
{
    /* The configuration has no longer ones. */
    if (strlen(l->user) > LOGIN_MAX || strlen(l->password) > LOGIN_MAX)
        return LOGIN_NOT_OFFERED;
    l->said = 1;
    switch (l->by) {
    case LOGIN_BY_PLAIN:
        return say_plain(l, line, len);
    case LOGIN_BY_LOGIN:
        return say(line, len, "AUTH LOGIN", SPAN(""));
    case LOGIN_BY_NONE:
        break;
    }
    return LOGIN_NOT_OFFERED;
}

enum login_step login_next(struct login *l, int code, char line[LOGIN_LINE], size_t *len)
{
    bool asks_more = code == 334 && l->by == LOGIN_BY_LOGIN && l->said < 3;

    if (!*l->user)
        return LOGIN_DONE;
    if (code == 0)
        return begin(l, line, len);
    if (code == 235)
        return LOGIN_DONE;
    if (!asks_more)
        return LOGIN_REFUSED;
    /* What its question says is of no use: servers ask in their own words and languages. */
    return say(line, len, "", span_of(l->said++ == 1 ? l->user : l->password));
}

bool login_goes_on(struct login *l, int code, struct dial *d, unsigned ticket, enum fail *fail)
{
    char line[LOGIN_LINE];
    size_t len = 0;
    bool asked;

    *fail = FAIL_NOT;
    switch (login_next(l, code, line, &len)) {
    case LOGIN_SAY:
        asked = dial_ask(d, ticket, (struct span){line, len});
        explicit_bzero(line, sizeof line);
        *fail = asked ? FAIL_NOT : FAIL_PROTOCOL;
        return asked;
    case LOGIN_DONE:
        return false;
    case LOGIN_NOT_OFFERED:
        *fail = FAIL_NO_AUTH;
        return false;
    case LOGIN_REFUSED:
        *fail = FAIL_AUTH;
        return false;
    }
    return false;
}
