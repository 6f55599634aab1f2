/* SPDX-License-Identifier: Apache-2.0
 *
 * The page as a file: whole or not there; and as text: every tag is closed where it was opened.
 * What a browser makes of it is t/47-report-page.t's.
 */
#include "cli/report/html.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/unit/report-example.h"
#include "t/unit/unit.h"

static char dir[] = "/tmp/report-page-XXXXXX";

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    return rmdir(dir);
}

static char *page_of(const struct report *r)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    report_html(r, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* In HTML these have no end tag, or need not have it. */
static bool has_no_end(struct span name)
{
    static const char *const names[] = {"meta", "br", "td", "dt", "!DOCTYPE"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (span_is(name, names[i]))
            return true;
    return false;
}

static struct span tag_name(const char *at)
{
    return (struct span){at, strcspn(at, " />\n")};
}

/* Their end tags may be left out, too, and the page does so in the bodies of tables. */
static bool is_row(struct span name, const char *at)
{
    return span_is(name, "tr") || span_is(name, "th") || strncmp(at, "dd", 2) == 0;
}

static void tags_are_closed(const char *page)
{
    struct span open[64];
    size_t depth = 0;

    for (const char *at = strchr(page, '<'); at; at = strchr(at + 1, '<')) {
        bool closes = at[1] == '/';
        struct span name = tag_name(at + 1 + closes);
        const char *end = strchr(at, '>');

        assert_non_null(end);
        if (has_no_end(name) || is_row(name, name.at) || end[-1] == '/')
            continue;
        if (!closes) {
            assert_true(depth < COUNT_OF(open));
            open[depth++] = name;
            continue;
        }
        assert_true(depth > 0);
        depth--;
        if (!span_same(open[depth], name))
            fail_msg("</%.*s> ends <%.*s>", SPAN_ARG(name), SPAN_ARG(open[depth]));
    }
    assert_int_equal(depth, 0);
}

static void every_tag_is_closed(void **state)
{
    static const struct report nothing = {
        .host = "", .domain = "", .source = "", .bad_place = "", .bad_why = ""};
    char *full = page_of(&report_example), *empty = page_of(&nothing);

    (void)state;
    tags_are_closed(full);
    tags_are_closed(empty);
    free(full);
    free(empty);
}

/* What anybody could put into a field stays a text wherever it is shown. */
static void no_field_breaks_out(void **state)
{
    static const char evil[] = "<script src=//x></script>\"'--></title></style>";
    static const struct report_tally tally[] = {{evil, 3}};
    const struct report_day day = {
        .date = "2026-11-15", .in = {.messages = 3}, .out = {.messages = 3}};
    const struct report_weak weak = {evil, evil, evil, 3, 2, 1, EXAMPLE_START};
    const struct report_failure failure = {.error = evil,
                                           .status = evil,
                                           .category = evil,
                                           .count = 3,
                                           .domain = evil,
                                           .server = evil,
                                           .diagnostic = evil};
    const struct report_would would = {true, evil, evil, 3, {tally, 1, 3, 0}};
    const struct report_ready ready = {evil, 3, EXAMPLE_START, EXAMPLE_START, evil};
    const struct report_missing missing = {evil, evil, evil};
    const struct report_file file = {.name = evil};
    const struct report_tallies all = {tally, 1, 3, 0};
    const struct report_side side = {day.in, all, all, all, all, all, all};
    const struct report r = {.host = evil,
                             .domain = evil,
                             .source = evil,
                             .bad = 1,
                             .bad_place = evil,
                             .bad_why = evil,
                             .files = &file,
                             .file_count = 1,
                             .missing = &missing,
                             .missing_count = 1,
                             .days = &day,
                             .day_count = 1,
                             .in = side,
                             .out = side,
                             .domains = {&weak, 1, 1, false},
                             .clients = {&weak, 1, 1, false},
                             .failures = {&failure, 1, 3, 0},
                             .woulds = {&would, 1},
                             .readies = {.at = &ready, .count = 1, .known = 1}};
    char *page = page_of(&r);
    size_t shown = 0;

    (void)state;
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "//x>"));
    assert_null(strstr(page, "\"'"));
    for (const char *at = page; (at = strstr(at, "&lt;script src=//x&gt;")); at++)
        shown++;
    assert_true(shown > 40); /* each field, some in a picture and in a table */
    tags_are_closed(page);
    free(page);
}

/* What a cut list counts is no less than that. */
/* A file without the column says nothing of TLS, and not that there was none. */
static void what_is_not_known_has_no_share(void **state)
{
    static const struct {
        struct report_way way;
        const char *sentence, *figure;
    } rows[] = {
        {{.messages = 4, .tls = 1, .clear = 1, .unknown = 2},
         "were sent (2 of them without a record of TLS), <strong>50.0",
         "<span class=\"of\">1 of 2 sent, as recorded</span>"},
        {{.messages = 3, .unknown = 3},
         "were sent (3 of them without a record of TLS), <strong>\xe2\x80\x93</strong> in TLS",
         "<span class=\"of\">0 of 0 sent, as recorded</span>"},
        {{.messages = 4, .tls = 1, .clear = 3},
         "were sent, <strong>25.0",
         "<span class=\"of\">1 of 4 sent</span>"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct report r = {.host = "", .domain = "", .source = "", .bad_place = "", .bad_why = ""};
        char *page;

        r.out.way = rows[i].way;
        page = page_of(&r);
        assert_non_null(strstr(page, rows[i].sentence));
        assert_non_null(strstr(page, rows[i].figure));
        free(page);
    }
}

static void a_cut_list_says_at_least(void **state)
{
    struct report r = report_example;
    char *page = page_of(&r);

    (void)state;
    assert_null(strstr(page, "At least"));
    free(page);
    r.failures.others = 1;
    page = page_of(&r);
    assert_non_null(strstr(page, "At least <a href=\"#failures\">45"));
    free(page);
}

static void a_file_is_whole_or_not_there(void **state)
{
    char path[100], why[4200], *page = page_of(&report_example);
    struct stat st;
    mode_t mask = umask(027);

    (void)state;
    snprintf(path, sizeof path, "%s/page.html", dir);
    for (int again = 0; again < 2; again++) { /* the second time it is replaced */
        assert_int_equal(report_html_file(&report_example, path, why, sizeof why), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0640);
        assert_int_equal(st.st_size, strlen(page));
    }
    umask(mask);
    assert_int_equal(unlink(path), 0); /* remove_dir() finds what else was left */
    free(page);
}

/* clang-format off */
static const struct { const char *path, *why; } failing[] = {
    {"/dev/full", "/dev/full: cannot be written: No space left on device"},
    {"/no/such/folder/page.html", "/no/such/folder/page.html: cannot be written: No such file or directory"},
    {"/tmp", "/tmp: cannot be written: Is a directory"},
};
/* clang-format on */

static void what_fails_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(failing); i++) {
        char why[4200];

        assert_int_equal(report_html_file(&report_example, failing[i].path, why, sizeof why), -1);
        assert_string_equal(why, failing[i].why);
    }
}

static void a_device_is_written_not_replaced(void **state)
{
    char why[4200];
    struct stat st;

    (void)state;
    assert_int_equal(report_html_file(&report_example, "/dev/null", why, sizeof why), 0);
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
}

/* clang-format off */
static const struct { const char *name, *holds; bool may; } there[] = {
    {"absent", NULL, true},
    {"empty", "", true},
    {"page", "<!DOCTYPE html>\n<html", true},
    {"short", "<!DOCTYPE", false},
    {"acct.csv", "type,timeLogged,rcpt\r\n", false},
};
/* clang-format on */

static void what_is_no_page_is_not_written_over(void **state)
{
    char path[100], why[4200];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(there); i++) {
        FILE *out;

        snprintf(path, sizeof path, "%s/%s", dir, there[i].name);
        out = there[i].holds ? fopen(path, "w") : NULL;
        if (out) {
            assert_true(fputs(there[i].holds, out) >= 0);
            assert_int_equal(fclose(out), 0);
        }
        if (report_html_may(path, why, sizeof why) != there[i].may)
            fail_msg("%s", there[i].name);
        if (!there[i].may)
            assert_memory_equal(why, path, strlen(path));
        if (there[i].holds)
            assert_int_equal(unlink(path), 0);
    }
    assert_true(report_html_may("/dev/null", why, sizeof why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tag_is_closed),
        cmocka_unit_test(no_field_breaks_out),
        cmocka_unit_test(what_is_not_known_has_no_share),
        cmocka_unit_test(a_cut_list_says_at_least),
        cmocka_unit_test(a_file_is_whole_or_not_there),
        cmocka_unit_test(what_fails_is_named),
        cmocka_unit_test(a_device_is_written_not_replaced),
        cmocka_unit_test(what_is_no_page_is_not_written_over),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
