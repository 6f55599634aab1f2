/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "tell/record.h"

static struct record sample(void)
{
    struct record r = {.what = RECORD_OUTCOME,
                       .at = 1549662845.25,
                       .queued = 1549662843,
                       .key = SPAN("6ab3.12.1.1"),
                       .id_host = SPAN("mx.lab.test")};

    r.column[COLUMN_type] = SPAN("d");
    r.column[COLUMN_orig] = SPAN("a\\b\"c@x.test");
    r.column[COLUMN_rcpt] = SPAN("j\xc3\xbcrgen@y.test");
    r.column[COLUMN_dsnDiag] = SPAN("smtp;250 2.0.0 Ok: queued as 4F2A");
    r.column[COLUMN_queueId] = SPAN("4F2A");
    return r;
}

static struct span written(struct buf *to, const struct record *r)
{
    buf_init(to, RECORD_MAX);
    assert_true(record_write(to, r));
    return buf_peek(to);
}

static void assert_span(struct span is, struct span should)
{
    assert_int_equal(is.len, should.len);
    assert_memory_equal(is.at, should.at, should.len);
}

static void keys_say_session_message_recipient(void **state)
{
    char to[RECORD_KEY_MAX];

    (void)state;
    assert_span(record_key(to, "MWRWZJZL000JK000000", 1, 20), SPAN("MWRWZJZL000JK000000.1.20"));
    assert_span(record_key(to, "a", UINT32_MAX, 0), SPAN("a.4294967295.0"));
}

static void comes_back_as_it_went(void **state)
{
    struct record in = sample(), out;
    struct record_memory *memory;
    struct buf b;

    (void)state;
    in.disabled = true;
    assert_true(record_read(written(&b, &in), &out, &memory));
    assert_true(out.disabled);
    assert_int_equal(out.what, RECORD_OUTCOME);
    assert_true(fabs(out.at - in.at) < 1e-5);
    assert_true(fabs(out.queued - in.queued) < 1e-5);
    assert_span(out.key, in.key);
    assert_span(out.id_host, in.id_host);
    for (int i = 0; i < COLUMN_COUNT; i++)
        assert_span(out.column[i], in.column[i].len ? in.column[i] : SPAN(""));
    record_forget(&memory);
    assert_null(memory);
    buf_clear(&b);
}

static void is_one_line_of_json(void **state)
{
    struct record in = {.what = RECORD_INTENT, .at = 12.5, .key = SPAN("k")};
    struct buf b;

    (void)state;
    in.column[COLUMN_orig] = SPAN("a@b");
    assert_span(written(&b, &in),
                SPAN("{\"do\":\"intent\",\"key\":\"k\",\"at\":12.500000,\"orig\":\"a@b\"}\n"));
    buf_clear(&b);
}

static void cut_anywhere_is_no_record(void **state)
{
    struct record in = sample(), out;
    struct record_memory *memory;
    struct buf b;
    struct span line = written(&b, &in);

    (void)state;
    for (size_t len = 0; len < line.len - 1; len++) {
        assert_false(record_read((struct span){line.at, len}, &out, &memory));
        assert_null(memory);
        assert_int_equal(out.column[COLUMN_orig].len, 0);
    }
    buf_clear(&b);
}

static void control_bytes_make_no_second_line(void **state)
{
    struct record in = sample(), out;
    struct record_memory *memory;
    struct buf b;
    struct span line;

    (void)state;
    in.column[COLUMN_dsnDiag] = SPAN("a\r\nb\0c\x1b\x7f\xff\"}\n{\"do\":\"row\"");
    line = written(&b, &in);
    assert_ptr_equal(memchr(line.at, '\n', line.len), line.at + line.len - 1);
    assert_true(record_read(line, &out, &memory));
    assert_span(out.column[COLUMN_dsnDiag], SPAN("a\?\?b?c\?\?\?\"}?{\"do\":\"row\""));
    record_forget(&memory);
    buf_clear(&b);
}

/* Every column far too long, of bytes that double when they are escaped. */
static void over_long_values_are_cut(void **state)
{
    static char quotes[20000], umlauts[20001];
    struct record in = sample(), out;
    struct record_memory *memory;
    struct buf b;

    (void)state;
    memset(quotes, '"', sizeof quotes);
    for (size_t i = 0; i + 1 < sizeof umlauts; i += 2)
        memcpy(umlauts + i, "\xc3\xbc", 2);

    in.column[COLUMN_dsnDiag] = (struct span){quotes, sizeof quotes};
    assert_true(record_read(written(&b, &in), &out, &memory));
    assert_int_equal(out.column[COLUMN_dsnDiag].len, 2048);
    assert_span(out.column[COLUMN_orig], in.column[COLUMN_orig]);
    record_forget(&memory);
    buf_clear(&b);

    for (int i = 0; i < COLUMN_COUNT; i++)
        in.column[i] = i % 2 ? (struct span){quotes, sizeof quotes} : (struct span){umlauts, 20000};
    in.key = in.id_host = (struct span){quotes, sizeof quotes};
    assert_true(record_read(written(&b, &in), &out, &memory));
    assert_int_equal(out.column[COLUMN_orcpt].len, 48);
    assert_null(memchr(out.column[COLUMN_dsnMta].at, '?', out.column[COLUMN_dsnMta].len));
    record_forget(&memory);
    buf_clear(&b);
}

static void add_header(struct record *r, const char *name, struct span value)
{
    record_add_header(r, span_of(name), value);
}

static void headers_come_back(void **state)
{
    struct record in = sample(), out;
    struct record_memory *memory;
    struct buf b;

    (void)state;
    add_header(&in, "X-Job", SPAN("a\\\"b, c"));
    add_header(&in, "x-job", SPAN("not the second of a name"));
    add_header(&in, "X-Empty", SPAN(""));
    add_header(&in, "X Bad", SPAN("no name"));
    add_header(&in, "X-\"Bad", SPAN("no name"));
    add_header(&in, "", SPAN("no name"));
    add_header(&in, "Subject", SPAN("=?utf-8?q?J=C3=BCrgen?= 8\xff \r\n"));
    assert_int_equal(in.header_count, 2);
    assert_true(record_read(written(&b, &in), &out, &memory));
    assert_int_equal(out.header_count, 2);
    assert_span(out.header[0].name, SPAN("X-Job"));
    assert_span(record_header(&out, SPAN("x-jOB")), SPAN("a\\\"b, c"));
    assert_span(record_header(&out, SPAN("subject")), SPAN("=?utf-8?q?J=C3=BCrgen?= 8? ?\?"));
    assert_span(record_header(&out, SPAN("X-Jo")), SPAN(""));
    record_forget(&memory);
    buf_clear(&b);
}

/* Sixteen at most; they are cut before an address is, and are left out before a line is lost. */
static void headers_give_way(void **state)
{
    static char quotes[20000], names[RECORD_HEADERS + 1][RECORD_HEADER_NAME];
    struct record in = sample(), out;
    struct record_memory *memory;
    struct buf b;

    (void)state;
    memset(quotes, '"', sizeof quotes);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        memset(names[i], 'x', RECORD_HEADER_NAME - 1);
        names[i][0] = (char)('a' + i);
        add_header(&in, names[i], (struct span){quotes, sizeof quotes});
    }
    assert_int_equal(in.header_count, RECORD_HEADERS);
    assert_true(record_read(written(&b, &in), &out, &memory));
    assert_int_equal(out.header_count, RECORD_HEADERS);
    assert_int_equal(out.header[0].value.len, 128);
    assert_span(out.column[COLUMN_orig], in.column[COLUMN_orig]);
    record_forget(&memory);
    buf_clear(&b);

    for (int i = 0; i < COLUMN_COUNT; i++)
        in.column[i] = (struct span){quotes, sizeof quotes};
    assert_true(record_read(written(&b, &in), &out, &memory));
    assert_int_equal(out.header_count, 0);
    assert_int_equal(out.column[COLUMN_orcpt].len, 48);
    record_forget(&memory);
    buf_clear(&b);
}

static void needs_its_room(void **state)
{
    struct record in = sample();
    struct buf b;

    (void)state;
    buf_init(&b, 40);
    assert_false(record_write(&b, &in));
    assert_int_equal(buf_len(&b), 0);
    buf_clear(&b);
}

static void times_are_plain_numbers(void **state)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, -1, 1e300, 0};
    struct record in = sample(), out;
    struct record_memory *memory;
    struct buf b;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        in.at = odd[i];
        assert_false(record_read(written(&b, &in), &out, &memory));
        buf_clear(&b);
    }
    in.at = 1549662845.9999999;
    assert_true(record_read(written(&b, &in), &out, &memory));
    assert_true(fabs(out.at - in.at) < 1e-5);
    record_forget(&memory);
    buf_clear(&b);
}

/* Columns that were written before stand in the line as if they had been given, at its end. */
static void what_is_written_already_comes_along(void **state)
{
    static char quotes[RECORD_WRITTEN];
    struct record in = sample(), of_all = {.what = RECORD_ROW}, out;
    struct record_memory *memory;
    struct buf about, b;
    struct span line;

    (void)state;
    of_all.column[COLUMN_dsnMta] = SPAN("mx \"1\" (192.0.2.1)");
    of_all.column[COLUMN_dlvTlsVerify] = SPAN("a\r\nb");
    buf_init(&about, 2 * RECORD_WRITTEN);
    assert_true(record_columns(&about, &of_all));
    in.written = buf_peek(&about);
    record_add_header(&in, SPAN("X-Job"), SPAN("seven"));
    line = written(&b, &in);
    assert_true(line.len > in.written.len + 2);
    assert_memory_equal(line.at + line.len - 2 - in.written.len, in.written.at, in.written.len);
    assert_true(record_read(line, &out, &memory));
    assert_span(out.column[COLUMN_dsnMta], of_all.column[COLUMN_dsnMta]);
    assert_span(out.column[COLUMN_dlvTlsVerify], SPAN("a\?\?b"));
    assert_span(out.column[COLUMN_queueId], in.column[COLUMN_queueId]);
    record_forget(&memory);
    buf_clear(&b);

    memset(quotes, '"', sizeof quotes);
    of_all.column[COLUMN_dsnMta] = (struct span){quotes, sizeof quotes / 2};
    assert_false(record_columns(&about, &of_all));
    assert_span(buf_peek(&about), in.written);
    buf_clear(&about);
}

static void columns_have_their_names(void **state)
{
    (void)state;
    assert_string_equal(column_name(COLUMN_type), "type");
    assert_string_equal(column_name(COLUMN_dlvSessionId), "dlvSessionId");
    assert_int_equal(COLUMN_COUNT, COLUMN_dlvSessionId + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_say_session_message_recipient),
        cmocka_unit_test(comes_back_as_it_went),
        cmocka_unit_test(is_one_line_of_json),
        cmocka_unit_test(cut_anywhere_is_no_record),
        cmocka_unit_test(control_bytes_make_no_second_line),
        cmocka_unit_test(over_long_values_are_cut),
        cmocka_unit_test(headers_come_back),
        cmocka_unit_test(headers_give_way),
        cmocka_unit_test(needs_its_room),
        cmocka_unit_test(times_are_plain_numbers),
        cmocka_unit_test(columns_have_their_names),
        cmocka_unit_test(what_is_written_already_comes_along),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
