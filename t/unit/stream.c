/* SPDX-License-Identifier: Apache-2.0
 *
 * Much through a connection whose reader is slow, and what an idle one costs.
 */
#include "net/conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "t/lib/one_world.h"

/* What OpenSSL holds at a time, and the most that it held. */
static size_t held, most;

static void *count_malloc(size_t size, const char *file, int line)
{
    size_t *at = malloc(size + 16);

    (void)file, (void)line;
    if (!at)
        return NULL;
    *at = size;
    held += size;
    most = held > most ? held : most;
    return at + 2;
}

static void count_free(void *p, const char *file, int line)
{
    size_t *at = p;

    (void)file, (void)line;
    if (!p)
        return;
    held -= at[-2];
    free(at - 2);
}

static void *count_realloc(void *p, size_t size, const char *file, int line)
{
    void *to = count_malloc(size, file, line);

    if (p && to) {
        size_t was = ((size_t *)p)[-2];

        memcpy(to, p, was < size ? was : size);
        count_free(p, file, line);
    }
    return to;
}

enum { MUCH = 10 << 20 };

/* The byte at a place of the stream; its period is prime. */
static char byte_at(size_t place)
{
    return (char)((place % 65521) * 2654435761u >> 13);
}

/* What is left to send, cut into pieces that differ at each try. */
static size_t cut(const char *stream, size_t from, unsigned *seed, struct span pieces[8])
{
    size_t count = 0, left = MUCH - from;

    while (count < 8 && left) {
        *seed = *seed * 1664525 + 1013904223;
        size_t len = *seed >> 31 ? *seed >> 12 & 0xffff : *seed >> 20 & 0xff;

        if (len > left || count == 7)
            len = left;
        pieces[count++] = (struct span){stream + from, len};
        from += len;
        left -= len;
    }
    return count;
}

static size_t read_some(struct conn *c, size_t from, size_t size)
{
    static char heard[70000];
    size_t len;
    enum conn_got got = conn_read(c, heard, size, &len);

    if (got == CONN_LATER)
        return 0;
    assert_int_equal(CONN_SOME, got);
    for (size_t i = 0; i < len; i++)
        if (heard[i] != byte_at(from + i))
            fail_msg("byte %zu", from + i);
    return len;
}

/* A reader that is slow: the writer is stopped again and again in the middle of records, offers
 * the same bytes in other pieces, and neither side holds more than a few records. */
static void pass_much(bool secure)
{
    struct pair p = secure ? world_open(&w, 4096) : pair_open(4096);
    char *stream = malloc(MUCH);
    size_t sent = 0, heard = 0, laters = 0, len;
    unsigned seed = 1;

    assert_non_null(stream);
    for (size_t i = 0; i < MUCH; i++)
        stream[i] = byte_at(i);
    size_t before = most = held;

    while (heard < MUCH) {
        struct span pieces[8];
        size_t count = cut(stream, sent, &seed, pieces);
        enum conn_got got = conn_write(&p.client, pieces, count, &len);

        if (got != CONN_SOME && got != CONN_LATER)
            fail_msg("%s", p.client.why);
        laters += got == CONN_LATER;
        sent += len;
        heard += read_some(&p.server, heard, seed % 3 ? 70000 : seed % 5000 + 1);
    }
    assert_int_equal(MUCH, sent);
    assert_true(laters > 100);
    assert_true(most - before < 160000);
    free(stream);
    pair_close(&p);
}

static void test_much_plain(void **state)
{
    (void)state;
    pass_much(false);
}

static void test_much_secure(void **state)
{
    (void)state;
    pass_much(true);
}

/* After CONN_LATER more may have come to what waits; what was cut off in a record stays first. */
static void test_growing_retry(void **state)
{
    struct pair p = world_open(&w, 4096);
    static char much[60000];
    struct span all = {much, sizeof much};
    size_t len, sent = 0, heard = 0;

    (void)state;
    for (size_t i = 0; i < sizeof much; i++)
        much[i] = byte_at(i);
    while (conn_write(&p.client, &(struct span){much + sent, 100}, 1, &len) == CONN_SOME)
        sent += len;
    while (heard < sizeof much) {
        struct span two[] = {{much + sent, sizeof much - sent < 7 ? sizeof much - sent : 7}, all};

        two[1] = span_after(all, sent + two[0].len);
        assert_int_not_equal(CONN_FAILED, conn_write(&p.client, two, 2, &len));
        sent += len;
        heard += read_some(&p.server, heard, 3000);
    }
    pair_close(&p);
}

/* Read with the figures of 1,000 real sessions: 14.7 KB of RSS each, of which OpenSSL's own structs
 * and its two ciphers are 11 KB. A record's buffer that stayed would be 16 KB more. */
static void test_idle(void **state)
{
    struct pair p = world_open(&w, 0);
    size_t with = held;

    (void)state;
    conn_clear(&p.server);
    assert_true(with - held > 5000);
    assert_true(with - held < 15000);
    with = held;
    conn_clear(&p.client);
    assert_true(with - held < 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_much_plain),
        cmocka_unit_test(test_much_secure),
        cmocka_unit_test(test_growing_retry),
        cmocka_unit_test(test_idle),
    };

    if (!CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free))
        return 1;
    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
