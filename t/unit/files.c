/* SPDX-License-Identifier: Apache-2.0
 *
 * How files change, and when that counts; with a clock that is ours.
 */
#include "run/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/lib/ca.h"
#include "unit.h"

static char path[2][128];
static struct files files;
static double now;

static void visit_both(const struct settings *s, option_file_fn *visit, void *arg)
{
    (void)s;
    for (int i = 0; i < 2; i++) {
        visit(arg, NULL, path[i]);
        visit(arg, NULL, path[i]); /* two options may name it */
    }
}

static const struct program program = {.files = visit_both}, no_files = {.name = "x"};

static void put(const char *to, const char *text)
{
    FILE *f = fopen(to, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int begin(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s/%d.pem", ca_folder(), i);
        put(path[i], "one");
    }
    now = 1000;
    files_note(&files, &program, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    files_clear(&files);
    ca_sweep();
    return 0;
}

/* The next look. */
static const char *looked(void)
{
    double due = files_due(&files);

    now = due > now ? due : now;
    return files_changed(&files, now);
}

/* Nothing at the look that sees it, then its name, once. */
static void changed(int which)
{
    assert_null(looked());
    const char *name = looked();

    assert_non_null(name);
    assert_string_equal(path[which], name);
    assert_null(looked());
    assert_null(looked());
}

static void test_kinds_of_change(void **state)
{
    char other[160];

    (void)state;
    assert_int_equal(2, files.count);
    assert_null(looked());
    put(path[0], "longer");
    changed(0);
    snprintf(other, sizeof other, "%s/new", ca_folder());
    put(other, "longer");
    rename(other, path[1]);
    changed(1);
    chmod(path[0], 0600);
    changed(0);
    unlink(path[0]);
    changed(0);
    put(path[0], "back");
    changed(0);
}

/* As certbot does: live/x.pem -> archive/x1.pem, x2.pem. */
static void test_links(void **state)
{
    char first[160], second[160], link[160];

    (void)state;
    snprintf(first, sizeof first, "%s/first", ca_folder());
    snprintf(second, sizeof second, "%s/second", ca_folder());
    snprintf(link, sizeof link, "%s/link", ca_folder());
    put(first, "same");
    put(second, "same");
    assert_int_equal(0, symlink(first, link));
    assert_int_equal(0, rename(link, path[0]));
    changed(0);
    assert_int_equal(0, symlink(second, link));
    assert_int_equal(0, rename(link, path[0]));
    changed(0);
    put(second, "what it points to");
    changed(0);
}

/* One that is still being written counts when it is whole. */
static void test_half_written(void **state)
{
    FILE *f;

    (void)state;
    assert_null(looked());
    f = fopen(path[0], "a");
    for (int i = 0; i < 5; i++) {
        fputs("more", f);
        fflush(f);
        assert_null(looked());
    }
    fclose(f);
    assert_non_null(looked());
    assert_null(looked());
}

/* A file that never rests counts once a minute. */
static void test_storm(void **state)
{
    double started = now;
    unsigned count = 0;

    (void)state;
    FILE *f = fopen(path[1], "a");

    while (now < started + 600) {
        fputs("x", f);
        fflush(f);
        count += looked() != NULL;
    }
    fclose(f);
    assert_in_range(count, 8, 10);
    files_rest(&files, now);
    assert_true(files_due(&files) >= now + 5);
    assert_null(files_changed(&files, now + 4));
}

static void test_no_files(void **state)
{
    struct files none;

    (void)state;
    files_note(&none, &no_files, NULL);
    assert_true(files_due(&none) > 1e300);
    assert_null(files_changed(&none, 1));
    files_clear(&none);
    files_clear(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kinds_of_change, begin, end),
        cmocka_unit_test_setup_teardown(test_links, begin, end),
        cmocka_unit_test_setup_teardown(test_half_written, begin, end),
        cmocka_unit_test_setup_teardown(test_storm, begin, end),
        cmocka_unit_test(test_no_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
