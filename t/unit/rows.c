/* SPDX-License-Identifier: Apache-2.0
 *
 * rows - files as rows: what is left out, where a header is, and what the ends of blocks do.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "csv/rows.h"

static const char *const wanted[] = {"type", "rcpt", "dsnDiag"};

/* What came, a line each: "1 d|a@b|250 ok", "-" for what is not there, "3 bad". */
struct story {
    char text[2048];
    size_t len;
    unsigned rows, bad;
};

static void tell(struct story *s, const char *text, size_t len)
{
    if (s->len + len < sizeof s->text) {
        memcpy(s->text + s->len, text, len);
        s->len += len;
        s->text[s->len] = '\0';
    }
}

static int file_of(struct span bytes)
{
    int fd = memfd_create("rows", MFD_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : write(fd, bytes.at, bytes.len);

    assert_true(n == (ssize_t)bytes.len && lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

static void tell_row(struct story *s, const struct rows *r, const struct span cells[3],
                     enum rows_got got)
{
    char line[32];

    tell(s, line, (size_t)snprintf(line, sizeof line, "%lu ", (unsigned long)rows_line(r)));
    if (got == ROWS_BAD) {
        s->bad++;
        tell(s, "bad\n", 4);
        return;
    }
    s->rows++;
    for (size_t i = 0; i < 3; i++) {
        if (i)
            tell(s, "|", 1);
        tell(s, cells[i].at ? cells[i].at : "-", cells[i].at ? cells[i].len : 1);
    }
    tell(s, "\n", 1);
}

static bool read_all(struct rows *r, struct span bytes, struct story *s)
{
    int fd = file_of(bytes);
    struct feed *feed = feed_of(fd);
    struct span cells[3];
    enum rows_got got;

    assert_non_null(feed);
    *s = (struct story){.len = 0};
    rows_begin(r, feed);
    while ((got = rows_next(r, cells)) != ROWS_END)
        tell_row(s, r, cells, got);
    feed_free(&feed);
    close(fd);
    return rows_is_torn(r);
}

#define HEAD "type,timeLogged,rcpt,dsnDiag\r\n"

static const struct {
    const char *name, *file, *story;
    bool torn;
} files[] = {
    {"plain", HEAD "d,1,a@b,250 ok\r\nb,2,c@d,no\r\n", "2 d|a@b|250 ok\n3 b|c@d|no\n", false},
    {"LF alone", "type,rcpt\nd,a@b\n", "2 d|a@b|-\n", false},
    {"BOM", "\xef\xbb\xbftype,rcpt\nd,a@b\n", "2 d|a@b|-\n", false},
    {"another order", "dsnDiag,x,RCPT,type\n\"a,b\",,r,d\n", "2 d|r|a,b\n", false},
    {"torn", HEAD "d,1,a@b,250 ok\r\nd,2,c@d,250", "2 d|a@b|250 ok\n", true},
    {"torn in quotes", HEAD "d,1,a@b,250 ok\r\nd,2,c@d,\"250", "2 d|a@b|250 ok\n", true},
    {"joined", HEAD "d,1,a@b,x\r\n" HEAD "d,2,c@d,y\r\n", "2 d|a@b|x\n4 d|c@d|y\n", false},
    {"joined, other columns", HEAD "d,1,a@b,x\r\nrcpt,type\nc@d,d\n", "2 d|a@b|x\n4 d|c@d|-\n",
     false},
    {"joined, another order", HEAD "d,1,a@b,x\r\nrcpt,dsnDiag,type,queue\nc@d,y,d,\n",
     "2 d|a@b|x\n4 d|c@d|y\n", false},
    {"too few", HEAD "d,1\r\nd,2,c@d,y\r\n", "2 bad\n3 d|c@d|y\n", false},
    {"too many", HEAD "d,1,2,3,4\r\nd,2,c@d,y\r\n", "2 bad\n3 d|c@d|y\n", false},
    {"torn in the middle", HEAD "d,1,a@b,\"xd,2,c@d,y\r\nd,3,e@f,\"z\"\r\n", "2 bad\n3 d|e@f|z\n",
     false},
    {"a quote too many", HEAD "d,1,a@b,\"x\r\nd,3,e@f,z\r\nd,4,e@f,z\r\n",
     "2 bad\n3 d|e@f|z\n4 d|e@f|z\n", false},
    {"two lines in a field", HEAD "d,1,a@b,\"x\r\ny\"\r\nd,3,e@f,z\r\n",
     "2 d|a@b|x\r\ny\n4 d|e@f|z\n", false},
    {"empty lines", HEAD "\r\nd,1,a@b,x\r\n\n", "3 d|a@b|x\n", false},
    {"nothing", "", "", false},
    {"a header alone", HEAD, "", false},
    {"half a header", "type,rc", "", true},
    {"no header", "d,1,a@b,x\r\nd,2,c@d,y\r\n", "1 bad\n", false},
    {"a brace is no JSON", "rcpt,type\n{x@y,d\n{\"type\":\"b\"}\nc@d,t\n",
     "2 d|{x@y|-\n3 b|-|-\n4 t|c@d|-\n", false},
    {"not text",
     "\x7f"
     "ELF\n\n\n",
     "1 bad\n", false},
    {"JSON",
     "{\"type\":\"d\",\"rcpt\":\"a@b\"}\n{\"rcpt\":\"x\"}\n{\"type\":\n{\"type\":\"t\"}\n{\"t",
     "1 d|a@b|-\n2 bad\n3 bad\n4 t|-|-\n", true},
};

static struct rows *new_rows(void)
{
    struct rows *r = rows_new(wanted, COUNT_OF(wanted));

    assert_non_null(r);
    return r;
}

static void test_files(void **state)
{
    struct rows *r = new_rows();
    struct story s;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        bool torn = read_all(r, span_of(files[i].file), &s);

        assert_row(torn == files[i].torn, files[i].name);
        assert_string_equal(s.text, files[i].story);
    }
    rows_free(&r);
    rows_free(&r);
}

/* A file that ends anywhere has the rows that ended before, and no bad one. */
static void test_torn(void **state)
{
    static const char file[] = HEAD "d,1,a@b,\"x,y\"\r\nb,2,c@d,\"\"\"\"\r\nt,3,e@f,z\r\n";
    struct rows *r = new_rows();
    struct story s;

    (void)state;
    for (size_t len = 0; len < sizeof file; len++) {
        unsigned ends = 0;
        bool torn = read_all(r, (struct span){file, len}, &s);

        for (size_t i = 0; i < len; i++)
            ends += file[i] == '\n';
        assert_int_equal(s.rows, ends ? ends - 1 : 0);
        assert_int_equal(s.bad, 0);
        assert_int_equal(torn, len > 0 && file[len - 1] != '\n');
    }
    rows_free(&r);
}

/* The end of a block falls on each byte of some rows. */
static void test_blocks(void **state)
{
    static const char tail[] =
        "d,1,a@b,\"x,y\"\r\nb,2,c@d,\"q\"\"q\"\r\n" HEAD "t,3,e@f,\"1\n2\"\r\n";
    static const char want[] = "d|a@b|x,y\n";
    size_t size = ROWS_LONGEST + sizeof tail;
    struct rows *r = new_rows();
    char *file = malloc(size);
    struct story s;

    (void)state;
    assert_non_null(file);
    for (size_t over = 0; over < sizeof tail + 8; over += 3) {
        size_t head = strlen(HEAD), pad = ROWS_LONGEST - over - head;

        memcpy(file, HEAD, head);
        memset(file + head, '\n', pad); /* empty lines */
        memcpy(file + head + pad, tail, sizeof tail - 1);
        assert_false(read_all(r, (struct span){file, head + pad + sizeof tail - 1}, &s));
        assert_int_equal(s.rows, 3);
        assert_int_equal(s.bad, 0);
        assert_non_null(strstr(s.text, want));
        assert_non_null(strstr(s.text, "b|c@d|q\"q\n"));
        assert_non_null(strstr(s.text, "t|e@f|1\n2\n"));
    }
    free(file);
    rows_free(&r);
}

/* A line beyond all measure is left out, and the next is read. */
static void test_long(void **state)
{
    size_t head = strlen(HEAD), size = 3 * ROWS_LONGEST;
    struct rows *r = new_rows();
    char *file = malloc(size);
    struct story s;

    (void)state;
    assert_non_null(file);
    memcpy(file, HEAD, head);
    memset(file + head, 'x', size - head);
    assert_true(read_all(r, (struct span){file, size}, &s));
    assert_int_equal(s.rows, 0);
    memcpy(file + size - 12, "\nd,1,a@b,ok\n", 12);
    assert_false(read_all(r, (struct span){file, size}, &s));
    assert_string_equal(s.text, "2 bad\n3 d|a@b|ok\n");
    free(file);
    rows_free(&r);
}

/* The beginnings of files that say how much memory it takes to go on: a gigabyte, and two. */
static void test_greedy(void **state)
{
    static const struct span begins[] = {
        SPAN("\xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x24\x00\x00\x00\x5e"
             "\x1f\xc7\xf9"),
        SPAN("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(begins); i++) {
        int fd = memfd_create("rows", MFD_CLOEXEC);
        struct feed *f = feed_of(fd);
        char to[64];

        assert_non_null(f);
        assert_int_equal(write(fd, begins[i].at, begins[i].len), begins[i].len);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        assert_int_equal(feed_read(f, to, sizeof to), -1);
        assert_non_null(strstr(feed_why(f), "too much memory"));
        feed_free(&f);
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files), cmocka_unit_test(test_torn),   cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_long),  cmocka_unit_test(test_greedy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
