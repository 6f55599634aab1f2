/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    START_DIGITS = 8, /* milliseconds, until 2059 */
    PID_DIGITS = 5,   /* Linux has at most 2^22 */
    COUNT_DIGITS = ID_TEXT - 1 - START_DIGITS - PID_DIGITS,
};

/* The last `digits` of `n` in base 36: 0-9 sort before A-Z. */
static char *put_digits(char *to, uint64_t n, int digits)
{
    for (int i = digits; i-- > 0; n /= 36)
        to[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[n % 36];
    return to + digits;
}

/* How many digits are shown of a counter: six while they suffice. */
static int count_digits(uint64_t n)
{
    int digits = 6;

    for (n /= 2176782336; n && digits < COUNT_DIGITS; n /= 36)
        digits++;
    return digits;
}

struct id id_next(void)
{
    static struct {
        pid_t pid;
        uint64_t start, count;
    } us;
    struct id id;
    pid_t pid = getpid();

    if (us.pid != pid) { /* the first, or the first since a fork */
        us.pid = pid;
        us.start = (uint64_t)(clock_now() * 1000);
        us.count = 0;
    }
    uint64_t count = us.count++;
    char *end = put_digits(id.text, us.start, START_DIGITS);

    end = put_digits(end, (uint64_t)pid, PID_DIGITS);
    end = put_digits(end, count, count_digits(count));
    *end = '\0';
    return id;
}
