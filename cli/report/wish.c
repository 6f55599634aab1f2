/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/wish.h"

#include <stdio.h>

#include "base/text.h"
#include "rule/pattern.h"
#include "cli/report/stamp.h"

static const struct option no_options[] = {OPTION_END};
static const struct pattern_kind kind = {
    .name = "--domain", .options = no_options, .size = sizeof(struct option_head)};

void wish_init(struct wish *w)
{
    *w = (struct wish){
        .domain = "", .source = "", .top = WISH_TOP, .days = WISH_DAYS, .messages = WISH_MESSAGES};
}

void wish_clear(struct wish *w)
{
    patterns_free(&w->patterns);
}

bool wish_domain(struct wish *w, const char *text, char *why, size_t size)
{
    char not_shown[512];

    patterns_free(&w->patterns);
    w->domain = text;
    w->section = (struct option_head){.title = text, .file = ""};
    w->patterns = patterns_new(&kind, &w->section, 1, NULL, not_shown, sizeof not_shown);
    if (!w->patterns)
        snprintf(why, size,
                 "'%s' is no domain; write example.com, *.example.com (what is below) "
                 "or [*.]example.com (both)",
                 text);
    return w->patterns != NULL;
}

void wish_source(struct wish *w, const char *text)
{
    w->source = text;
    w->by_network = network_read(span_of(text), &w->network);
}

bool wish_days(const char *text, unsigned *out)
{
    struct span s = span_of(text);
    unsigned long days;

    if (s.len > 1 && s.at[s.len - 1] == 'd')
        s.len--;
    if (!text_number(s, 36500, &days))
        return false;
    *out = (unsigned)days;
    return true;
}

static bool ago(struct span s, time_t now, time_t *out)
{
    static const char units[] = "smhdw";
    static const unsigned seconds[] = {1, 60, 3600, STAMP_DAY, 7 * STAMP_DAY};
    const char *unit = s.len > 1 ? strchr(units, s.at[s.len - 1]) : NULL;
    unsigned long many;

    if (!unit || !text_number((struct span){s.at, s.len - 1}, 1000000, &many))
        return false;
    *out = now - (time_t)(many * seconds[unit - units]);
    if (*out < 1)
        *out = 1;
    return true;
}

bool wish_time(const char *text, time_t now, bool whole, time_t *out)
{
    struct span s = span_of(text);
    char with_seconds[24];
    int64_t day;

    if (ago(s, now, out))
        return true;
    if (stamp_date(s, &day)) {
        *out = (day + whole) * STAMP_DAY;
        return true;
    }
    if (s.len == 16) {
        snprintf(with_seconds, sizeof with_seconds, "%s:00", text);
        s = span_of(with_seconds);
    }
    return s.len >= 19 && stamp_read(s, out);
}

bool wish_has_domain(const struct wish *w, struct span domain)
{
    const struct option_head *found;

    if (!w->patterns)
        return true;
    found = patterns_find(w->patterns, domain);
    return found->title == w->section.title;
}

bool wish_has_source(const struct wish *w, struct span address, struct span rule)
{
    struct addr a;

    if (!*w->source || span_is_nocase(rule, w->source))
        return true;
    return w->by_network && addr_read(address, &a) && network_has(&w->network, &a);
}
