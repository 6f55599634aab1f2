/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS sessions that are kept: the newest of a key first, each once, and never too many.
 */
#include "proxy-out/kept/resume.h"

#include <stdio.h>

#include <openssl/ssl.h>

#include "net/conn.h"
#include "unit.h"

enum { EACH = 20, ALL = 256 };

static void put(struct resume *r, const char *key, const char *id)
{
    SSL_SESSION *s = SSL_SESSION_new();

    assert_non_null(s);
    assert_int_equal(
        1, SSL_SESSION_set1_id_context(s, (const unsigned char *)id, (unsigned)strlen(id)));
    resume_put(r, key, s);
}

/* "": there is none. */
static void comes(struct resume *r, const char *key, const char *id)
{
    SSL_SESSION *s = resume_take(r, key);
    unsigned len = 0;
    const unsigned char *at = s ? SSL_SESSION_get0_id_context(s, &len) : NULL;
    char got[32];

    snprintf(got, sizeof got, "%.*s", (int)len, at ? (const char *)at : "");
    assert_string_equal(id, got);
    conn_session_free(&s);
}

static void the_newest_comes_first_and_once(void **state)
{
    struct resume *r = resume_new();

    (void)state;
    put(r, "a", "1");
    put(r, "b", "2");
    put(r, "a", "3");
    comes(r, "a", "3");
    comes(r, "a", "1");
    comes(r, "a", "");
    comes(r, "c", "");
    put(r, "a", "4");
    resume_free(&r);
    assert_null(r);
}

static void what_has_no_key_is_not_kept(void **state)
{
    struct resume *r = resume_new();

    (void)state;
    put(r, "", "1");
    resume_put(r, "a", NULL);
    comes(r, "", "");
    comes(r, "a", "");
    resume_free(&r);
}

/* `count` of them: "1" and so on. */
static void put_many(struct resume *r, const char *key, int count)
{
    for (int i = 1; i <= count; i++) {
        char id[16];

        snprintf(id, sizeof id, "%d", i);
        put(r, key, id);
    }
}

/* The oldest of a key makes room for one more of it, and of no other. */
static void a_key_has_so_many(void **state)
{
    struct resume *r = resume_new();

    (void)state;
    put(r, "b", "old");
    put_many(r, "a", EACH + 1);
    for (int i = EACH + 1; i > 1; i--) {
        char id[16];

        snprintf(id, sizeof id, "%d", i);
        comes(r, "a", id);
    }
    comes(r, "a", "");
    comes(r, "b", "old");
    resume_free(&r);
}

static void all_together_are_so_many(void **state)
{
    struct resume *r = resume_new();
    char key[16];

    (void)state;
    for (int i = 0; i <= ALL; i++) {
        snprintf(key, sizeof key, "k%d", i);
        put(r, key, key);
    }
    comes(r, "k0", "");
    comes(r, "k1", "k1");
    comes(r, key, key);
    resume_free(&r);
}

static void all_of_a_key_are_forgotten(void **state)
{
    struct resume *r = resume_new();

    (void)state;
    put(r, "b", "other");
    put_many(r, "a", 3);
    resume_forget(r, "a");
    comes(r, "a", "");
    comes(r, "b", "other");
    resume_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_comes_first_and_once),
        cmocka_unit_test(what_has_no_key_is_not_kept),
        cmocka_unit_test(a_key_has_so_many),
        cmocka_unit_test(all_together_are_so_many),
        cmocka_unit_test(all_of_a_key_are_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
