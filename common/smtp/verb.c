/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/verb.h"

#include "base/text.h"
#include "smtp/line.h"

enum { NO_ARG, SOME_ARG, ANY_ARG };

enum {
    IN = VERB_IN,
    OUT = VERB_OUT,
    OPEN = VERB_OPEN,
    CLEAR = VERB_CLEAR,
    STOPS = VERB_STOPS,
    ALONE = VERB_ALONE,
    WAITS = VERB_WAITS,
    IDLE = VERB_IDLE,
    LMTP = VERB_LMTP,
    SMTP = VERB_SMTP,
};

static const struct {
    struct span name;
    unsigned rules;
    int arg;
} verbs[VERB_COUNT] = {
#define VERB(name, arg, rules) [VERB_##name] = {SPAN(#name), rules, arg},
#include "smtp/verb.def"
#undef VERB
};

const char *verb_name(enum verb verb)
{
    switch (verb) {
    case VERB_RESPONSE:
        return "a line of AUTH";
    case VERB_END:
        return "the end of the message";
    case VERB_ABORT:
        return "a broken message";
    case VERB_OUTGROWN:
        return "a message that is too big";
    case VERB_LAST:
        return "the last chunk";
    case VERB_CONNECT:
        return "the call";
    default:
        return verbs[verb].name.at;
    }
}

static enum verb find(struct span name)
{
    enum verb v = 0;

    while (v < VERB_COUNT && !span_same_nocase(name, verbs[v].name))
        v++;
    return v;
}

enum verb verb_read(struct span line, struct span *arg)
{
    while (line.len && line.at[line.len - 1] == ' ')
        line.len--;
    struct span name = span_cut(&line, ' ');

    while (line.len && line.at[0] == ' ')
        line = span_after(line, 1);
    *arg = line;
    return find(name);
}

static char *append(char *to, struct span s)
{
    memcpy(to, s.at, s.len);
    return to + s.len;
}

struct span verb_line(enum verb verb, struct span arg, char *to)
{
    struct span name = verb == VERB_RESPONSE ? SPAN("") : span_of(verb_name(verb));
    char *end = append(to, name);

    if (name.len > 0 && arg.len > 0)
        end = append(end, SPAN(" "));
    end = append(append(end, arg), SPAN("\r\n"));
    return (struct span){to, (size_t)(end - to)};
}

bool verb_has(enum verb verb, unsigned rules)
{
    return (verbs[verb].rules & rules) == rules;
}

bool verb_takes(enum verb verb, struct span arg)
{
    return verbs[verb].arg == ANY_ARG || (verbs[verb].arg == SOME_ARG) == (arg.len > 0);
}

bool verb_may_say(enum verb verb, struct span arg)
{
    unsigned has = line_has(arg);
    bool address = verb == VERB_MAIL || verb == VERB_RCPT;

    if (has & LINE_HAS_CONTROL)
        return false;
    return !(has & LINE_HAS_8BIT) || (address && text_is_utf8(arg));
}
