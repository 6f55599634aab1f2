/* SPDX-License-Identifier: Apache-2.0 */
#include "tell/log.h"

#include <errno.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

#include "base/text.h"

/* A line is cut there. Pipes take as much in one piece (PIPE_BUF), so lines of several
 * processes never mix. */
enum { LINE_MAX_LEN = 4096, NUMBER_LEN = 32, NUMBERS = 16 };

static struct {
    const char *name;
    enum log_to to;
    enum log_level most;
} how = {"sallyport", LOG_TO_STDERR, LOG_SESSION};

struct line {
    char text[LINE_MAX_LEN];
    size_t len; /* room for the line's end is always left */
};

static void add(struct line *l, struct span s)
{
    size_t room = sizeof l->text - 1 - l->len;
    size_t len = s.len < room ? s.len : room;

    memcpy(l->text + l->len, s.at, len);
    l->len += len;
}

static void add_value(struct line *l, struct span value)
{
    /* text_quote() ends with a NUL, where our line end will be. */
    l->len += text_quote(l->text + l->len, sizeof l->text - l->len, value);
}

static void write_line(enum log_level level, struct line *l)
{
    static const int severity[] = {LOG_ERR, LOG_NOTICE, LOG_INFO, LOG_DEBUG};

    if (how.to == LOG_TO_SYSLOG) {
        syslog(severity[level], "%.*s", (int)l->len, l->text);
        return;
    }
    l->text[l->len++] = '\n';
    /* Nobody is left to tell if it fails; and to wait for a log's reader would stop the mail. */
    while (write(STDERR_FILENO, l->text, l->len) < 0 && errno == EINTR)
        continue;
}

void log_open(const char *name, enum log_to to, enum log_level most)
{
    how.name = name;
    how.most = most;
    if (to == LOG_TO_SYSLOG)
        openlog(name, LOG_PID | LOG_NDELAY, LOG_MAIL);
    else if (how.to == LOG_TO_SYSLOG)
        closelog();
    how.to = to;
}

bool log_is_on(enum log_level level)
{
    return level <= how.most;
}

void log_pairs(enum log_level level, const char *id, const char *event,
               const struct log_pair *pairs, size_t count)
{
    struct line l = {.len = 0};
    int saved = errno;

    if (!log_is_on(level))
        return;
    if (how.to != LOG_TO_SYSLOG) { /* which says the name itself */
        add(&l, span_of(how.name));
        add(&l, SPAN(" "));
    }
    if (*id) {
        add(&l, span_of(id));
        add(&l, SPAN(" "));
    }
    add(&l, span_of(event));
    if (level == LOG_FAULT && how.to != LOG_TO_SYSLOG) /* which has its own word for it */
        add(&l, SPAN(" level=error"));
    for (size_t i = 0; i < count; i++) {
        add(&l, SPAN(" "));
        add(&l, span_of(pairs[i].key));
        add(&l, SPAN("="));
        add_value(&l, pairs[i].value);
    }
    write_line(level, &l);
    errno = saved;
}

/* Whole numbers and thousandths as integers: printf takes ten times as long for a double. */
static int put_number(char text[NUMBER_LEN], double n)
{
    bool small = n > -1e15 && n < 1e15;
    long long whole = small ? (long long)n : 0;

    if (small && (double)whole == n)
        return snprintf(text, NUMBER_LEN, "%lld", whole);
    if (small && n > 0) {
        long long thousandths = (long long)((n - (double)whole) * 1000 + 0.5);

        whole += thousandths / 1000;
        return snprintf(text, NUMBER_LEN, "%lld.%03lld", whole, thousandths % 1000);
    }
    return snprintf(text, NUMBER_LEN, "%.3f", n);
}

struct span log_number(double n)
{
    static _Thread_local char texts[NUMBERS][NUMBER_LEN];
    static _Thread_local unsigned turn;
    char *text = texts[turn++ % NUMBERS];
    int len = put_number(text, n);

    return (struct span){text, len < NUMBER_LEN ? (size_t)len : NUMBER_LEN - 1};
}
