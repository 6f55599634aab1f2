/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/stamp.h"

#include <stdio.h>

/* Two digits; -1: they are none. */
static int two(const char *at)
{
    int high = at[0] - '0', low = at[1] - '0';

    return high < 0 || high > 9 || low < 0 || low > 9 ? -1 : 10 * high + low;
}

/* Howard Hinnant's way: years begin with March. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = year - (month <= 2), era = y / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int month_days(int year, int month)
{
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap);
}

bool stamp_date(struct span text, int64_t *out)
{
    int high, low, month, day;

    if (text.len != 10 || text.at[4] != '-' || text.at[7] != '-')
        return false;
    high = two(text.at);
    low = two(text.at + 2);
    month = two(text.at + 5);
    day = two(text.at + 8);
    if (high < 19 || low < 0 || month < 1 || month > 12 || day < 1 ||
        day > month_days(100 * high + low, month))
        return false;
    *out = days_of(100 * high + low, month, day);
    return *out >= 0;
}

/* "+0100" or "+01:00": seconds east of UTC. */
static bool zone(struct span text, int *out)
{
    int hours, minutes;

    *out = 0;
    if (text.len == 0 || span_is(text, "Z"))
        return true;
    if ((text.len != 5 && text.len != 6) || (*text.at != '+' && *text.at != '-'))
        return false;
    hours = two(text.at + 1);
    minutes = two(text.at + text.len - 2);
    if (hours < 0 || hours > 15 || minutes < 0 || minutes > 59 ||
        (text.len == 6 && text.at[3] != ':'))
        return false;
    *out = (hours * 60 + minutes) * 60;
    if (*text.at == '-')
        *out = -*out;
    return true;
}

static bool seconds(struct span text, time_t *out)
{
    *out = 0;
    for (size_t i = 0; i < text.len && i < 12; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return text.at[i] == '.' && i > 0;
        *out = *out * 10 + (text.at[i] - '0');
    }
    return text.len > 0 && text.len < 12;
}

bool stamp_read(struct span text, time_t *out)
{
    int hour, minute, second, east;
    int64_t day;

    if (text.len < 19 || text.at[4] != '-')
        return seconds(text, out);
    if (!stamp_date((struct span){text.at, 10}, &day) ||
        (text.at[10] != ' ' && text.at[10] != 'T') || text.at[13] != ':' || text.at[16] != ':')
        return false;
    hour = two(text.at + 11);
    minute = two(text.at + 14);
    second = two(text.at + 17);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 ||
        !zone(span_after(text, 19), &east))
        return false;
    *out = day * STAMP_DAY + (hour * 60 + minute) * 60 + second - east;
    return *out >= 0;
}

const char *stamp_date_text(int64_t day, char to[STAMP_TEXT])
{
    time_t at = day * STAMP_DAY;
    struct tm tm = {.tm_mday = 1};

    (void)gmtime_r(&at, &tm);
    strftime(to, STAMP_TEXT, "%Y-%m-%d", &tm);
    return to;
}

const char *stamp_text(time_t at, char to[STAMP_TEXT])
{
    struct tm tm = {.tm_mday = 1};

    (void)gmtime_r(&at, &tm);
    strftime(to, STAMP_TEXT, "%Y-%m-%d %H:%M:%S+0000", &tm);
    return to;
}
